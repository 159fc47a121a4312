import { basePermissions, channelPermissions } from "@guildhall/permissions";
import { makeViewTable } from "./interning.ts";
import type { Impact, Rules, Shape } from "./shape.ts";
import { type PackedView, placeOf } from "./view.ts";

/**
 * Members who cannot see differently: those with the same roles that matter, unless they own the guild or an overwrite
 * names them, who are alone (`userId`). `members` counts the tracked ones.
 */
export interface Class {
  readonly key: string;
  readonly userId: bigint | undefined;
  readonly roleIds: readonly bigint[];
  view: PackedView;
  members: number;
}

// Classes without tracked members are kept until the next change of the guild, and no more than this.
const maxIdleClasses = 256;

// Places of deleted channels are kept until they are this many and over half of all.
const minDeadPlaces = 64;

// No member has this id: stands for any where a class is not of one member.
const anybody = -1n;

/** A channel's place in the words of views, and its rules. */
interface Place {
  readonly place: number;
  readonly rules: Rules | undefined;
}

/** The classes of one guild and their views. */
export class Classes {
  readonly #shape: Shape;
  readonly #table = makeViewTable();
  readonly #classes = new Map<string, Class>();
  readonly #idle = new Set<Class>();
  #allPlaces: readonly Place[] | undefined;

  constructor(shape: Shape) {
    this.#shape = shape;
  }

  /** The class of a member with these roles. */
  find(userId: bigint, roleIds: readonly bigint[]): Class {
    const isOwner = userId === this.#shape.ownerId;
    const isAlone = isOwner || this.#shape.isNamed(userId);
    const mattering = isOwner ? [] : sortedUnique(roleIds.filter((id) => this.#shape.matters(id)));
    const key = `${isOwner ? "owner" : ""}${isAlone ? userId : ""}:${mattering.join(",")}`;
    const known = this.#classes.get(key);
    if (known !== undefined) return known;
    const kind = { key, userId: isAlone ? userId : undefined, roleIds: mattering };
    const made = { ...kind, view: this.#workOut(kind), members: 0 };
    this.#classes.set(key, made);
    this.#rest(made);
    return made;
  }

  /** Counts a tracked member in. */
  enter(cls: Class): Class {
    cls.members++;
    this.#idle.delete(cls);
    return cls;
  }

  /** Counts a tracked member out. */
  leave(cls: Class): void {
    cls.members--;
    if (cls.members === 0) this.#rest(cls);
  }

  /** Those with tracked members. */
  active(): Class[] {
    return [...this.#classes.values()].filter(({ members }) => members > 0);
  }

  /** To be called before and after each change of the shape: forgets what would be wrong, or is not needed, after it. */
  tidy(): void {
    this.#allPlaces = undefined;
    for (const cls of this.#idle) this.#drop(cls);
    const places = this.#table.layout().ids.length;
    const dead = places - this.#shape.channels.size;
    if (dead >= minDeadPlaces && dead * 2 > places) this.#table.relayout(this.#shape.channels.keys());
  }

  /** Works out anew what a change touched in some classes; returns those with another view, and the view before. */
  refresh(stale: readonly Class[], { baseOf, channels = [] }: Impact): Map<Class, PackedView> {
    const changed = new Map<Class, PackedView>();
    const touched = this.#places(channels);
    for (const cls of stale) {
      const isNewBase = baseOf !== undefined && (baseOf === this.#shape.guildId || cls.roleIds.includes(baseOf));
      if (cls.members === 0 || (!isNewBase && touched.length === 0)) continue;
      const before = cls.view;
      cls.view = isNewBase ? this.#workOut(cls) : this.#workOut(cls, before.unpacked(), touched);
      this.#table.release(before);
      if (cls.view !== before) changed.set(cls, before);
    }
    return changed;
  }

  /** The view of a class, held. `words` are those before, still right but for some places; without them all are worked out. */
  #workOut(
    { userId = anybody, roleIds }: Pick<Class, "userId" | "roleIds">,
    words: bigint[] = [],
    places = this.#everyPlace(),
  ): PackedView {
    const { guildId, ownerId, roles } = this.#shape;
    const rolePermissions = (id: bigint): bigint | undefined => roles.get(id)?.permissions;
    const base = basePermissions({ guildId, ownerId, userId, roleIds, rolePermissions });
    const wordOf = new Map<string, bigint>();
    while (words.length < this.#table.layout().ids.length) words.push(0n);
    for (const { place, rules } of places) {
      let word = rules === undefined ? 0n : wordOf.get(rules.name);
      if (rules !== undefined && word === undefined) {
        const { kind: channelKind, overwrites } = rules;
        word = channelPermissions({ base, guildId, userId, roleIds, overwrites, channelKind });
        wordOf.set(rules.name, word);
      }
      words[place] = word ?? 0n;
    }
    return this.#table.hold(base, words);
  }

  #everyPlace(): readonly Place[] {
    this.#allPlaces ??= this.#places(this.#shape.channels.keys());
    return this.#allPlaces;
  }

  #places(channels: Iterable<bigint>): Place[] {
    const layout = this.#table.layout();
    return Array.from(channels, (id) => ({ place: placeOf(layout, id), rules: this.#shape.rulesOf(id) }));
  }

  #rest(cls: Class): void {
    this.#idle.add(cls);
    if (this.#idle.size <= maxIdleClasses) return;
    const [oldest] = this.#idle;
    if (oldest !== undefined) this.#drop(oldest);
  }

  #drop(cls: Class): void {
    this.#idle.delete(cls);
    this.#classes.delete(cls.key);
    this.#table.release(cls.view);
  }
}

function sortedUnique(ids: readonly bigint[]): bigint[] {
  return [...new Set(ids)].sort((a, b) => (a < b ? -1 : 1));
}
