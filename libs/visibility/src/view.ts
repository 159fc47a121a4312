import { Permission } from "@guildhall/permissions";

/**
 * What a class of members may do in a guild: its base permissions and, per channel, those in force there. Time-outs are
 * no part of it, nor is the membership in private threads. Views of one `makeVisibility` with equal contents are the
 * same object.
 */
export interface View {
  readonly base: bigint;
  /** The permissions in a channel; 0 where the channel cannot be seen or is not known. */
  permissionsIn(channelId: bigint): bigint;
  canSee(channelId: bigint): boolean;
  /** The ids of the channels that can be seen, ascending. */
  visibleChannels(): bigint[];
  /** Equal for equal contents, also of other processes, and different for different ones. */
  readonly key: string;
}

/** The channels that `after` sees and `before` does not, ascending. */
export function gained(before: View, after: View): bigint[] {
  return before === after ? [] : after.visibleChannels().filter((id) => !before.canSee(id));
}

/** The channels that `before` sees and `after` does not, ascending. */
export function lost(before: View, after: View): bigint[] {
  return gained(after, before);
}

/** Where channels lie in the words of views. It only grows: views made earlier go on to read by it. */
export interface Layout {
  readonly ids: bigint[];
  readonly indexOf: Map<bigint, number>;
}

/** The place of a channel in a layout, given to it now when it has none. */
export function placeOf(layout: Layout, channelId: bigint): number {
  let place = layout.indexOf.get(channelId);
  if (place === undefined) {
    place = layout.ids.push(channelId) - 1;
    layout.indexOf.set(channelId, place);
  }
  return place;
}

/**
 * Permission words in the order of a layout, as indexes into the few different ones; the first is always 0. Words after
 * the last that is not 0 are left out, and the order in which words are met is fixed: equal contents are equal arrays.
 */
export interface Words {
  readonly different: readonly bigint[];
  readonly at: Uint8Array | Uint16Array;
}

/** Packs words, one for each place of a layout. */
export function packWords(words: readonly bigint[]): Words {
  const different = [0n];
  const indexes = new Map([[0n, 0]]);
  let length = words.length;
  while (length > 0 && words[length - 1] === 0n) length--;
  const at = new Uint16Array(length);
  for (let place = 0; place < length; place++) {
    const word = words[place] as bigint;
    let index = indexes.get(word);
    if (index === undefined) {
      index = different.push(word) - 1;
      indexes.set(word, index);
    }
    at[place] = index;
  }
  return { different, at: different.length <= 256 ? Uint8Array.from(at) : at };
}

/** A view as it is kept: `refs` counts the classes that hold it. */
export class PackedView implements View {
  readonly base: bigint;
  refs = 0;
  #layout: Layout;
  #words: Words;
  #key: string | undefined;

  constructor(base: bigint, layout: Layout, words: Words) {
    this.base = base;
    this.#layout = layout;
    this.#words = words;
  }

  permissionsIn(channelId: bigint): bigint {
    const place = this.#layout.indexOf.get(channelId);
    return place === undefined ? 0n : this.#wordAt(place);
  }

  canSee(channelId: bigint): boolean {
    return (this.permissionsIn(channelId) & Permission.VIEW_CHANNEL) !== 0n;
  }

  visibleChannels(): bigint[] {
    const visible: bigint[] = [];
    this.#words.at.forEach((_, place) => {
      if ((this.#wordAt(place) & Permission.VIEW_CHANNEL) !== 0n) visible.push(this.#layout.ids[place] as bigint);
    });
    return visible.sort(ascending);
  }

  get key(): string {
    this.#key ??= this.#makeKey();
    return this.#key;
  }

  /** Whether it has this base and these words, packed by the same layout. */
  holds(base: bigint, { different, at }: Words): boolean {
    const own = this.#words;
    return (
      this.base === base &&
      own.at.length === at.length &&
      own.different.length === different.length &&
      own.different.every((word, index) => word === different[index]) &&
      own.at.every((index, place) => index === at[place])
    );
  }

  /** The words by place of its layout; places after the last are 0. */
  unpacked(): bigint[] {
    return Array.from(this.#words.at, (_, place) => this.#wordAt(place));
  }

  /** Goes over to another layout, with the same contents. */
  moveTo(layout: Layout): Words {
    const words: bigint[] = new Array<bigint>(layout.ids.length).fill(0n);
    this.#words.at.forEach((_, place) => {
      const word = this.#wordAt(place);
      if (word !== 0n) words[placeOf(layout, this.#layout.ids[place] as bigint)] = word;
    });
    this.#layout = layout;
    this.#words = packWords(words);
    return this.#words;
  }

  #wordAt(place: number): bigint {
    return this.#words.different[this.#words.at[place] ?? 0] as bigint;
  }

  #makeKey(): string {
    const channelsOf = new Map<bigint, string[]>();
    for (const id of this.visibleChannels()) {
      const word = this.permissionsIn(id);
      const channels = channelsOf.get(word);
      if (channels === undefined) channelsOf.set(word, [id.toString(36)]);
      else channels.push(id.toString(36));
    }
    const parts = [...channelsOf].map(([word, channels]) => `${word.toString(36)}:${channels.join(",")}`);
    return [this.base.toString(36), ...parts].join(";");
  }
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
