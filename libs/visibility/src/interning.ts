import { type Layout, PackedView, packWords, type Words } from "./view.ts";

/** The views in use by some class, each content once. */
export interface ViewTable {
  /** The view with this base and these words (by place of the layout), held once more. */
  hold(base: bigint, words: readonly bigint[]): PackedView;
  /** Gives back one hold; the table forgets a view that nobody holds. */
  release(view: PackedView): void;
  /** The layout in force. */
  layout(): Layout;
  /** Goes over to a layout of the channels that are left; the views stay the same objects. */
  relayout(channelIds: Iterable<bigint>): void;
}

/** Makes an empty table. */
export function makeViewTable(): ViewTable {
  let layout: Layout = { ids: [], indexOf: new Map() };
  let views = new Map<number, PackedView[]>();
  const hashes = new Map<PackedView, number>();

  const put = (view: PackedView, hash: number): void => {
    hashes.set(view, hash);
    const same = views.get(hash);
    if (same === undefined) views.set(hash, [view]);
    else same.push(view);
  };

  return {
    layout: () => layout,
    hold(base, words) {
      const packed = packWords(words);
      const hash = hashOf(base, packed);
      let view = views.get(hash)?.find((known) => known.holds(base, packed));
      if (view === undefined) {
        view = new PackedView(base, layout, packed);
        put(view, hash);
      }
      view.refs++;
      return view;
    },
    release(view) {
      view.refs--;
      if (view.refs > 0) return;
      const hash = hashes.get(view) as number;
      hashes.delete(view);
      const others = (views.get(hash) ?? []).filter((known) => known !== view);
      if (others.length > 0) views.set(hash, others);
      else views.delete(hash);
    },
    relayout(channelIds) {
      const ids = [...channelIds];
      layout = { ids, indexOf: new Map(ids.map((id, place) => [id, place])) };
      const kept = [...hashes.keys()];
      hashes.clear();
      views = new Map();
      for (const view of kept) put(view, hashOf(view.base, view.moveTo(layout)));
    },
  };
}

/** FNV-1a over the contents, 32 bits. */
function hashOf(base: bigint, { different, at }: Words): number {
  let hash = 0x811c9dc5;
  const add = (value: number): void => {
    hash = Math.imul(hash ^ value, 0x01000193);
  };
  const addWord = (word: bigint): void => {
    add(Number(word & 0xffffffffn));
    add(Number(word >> 32n));
  };
  addWord(base);
  different.forEach(addWord);
  at.forEach(add);
  return hash;
}
