import { type Cell, readCells } from "./cells.ts";
import type { PageImages } from "./page-images.ts";

/** A part of a b-tree that cannot be reached or read: rows between two keys; undefined = from the first, to the last. */
export interface LostPart {
  readonly page: number;
  readonly after: Cell | undefined;
  readonly before: Cell | undefined;
}

const maxDepth = 20;

/** Walks the index b-tree (a table WITHOUT ROWID) at `root` and tells what of it is lost. */
export function findLostParts(images: PageImages, root: number): readonly LostPart[] {
  const lost: LostPart[] = [];
  const seen = new Set<number>();
  visit(root, undefined, undefined, 0);
  return lost;

  function visit(page: number, after: Cell | undefined, before: Cell | undefined, depth: number): void {
    const bytes = seen.has(page) || depth > maxDepth ? undefined : images.latest(page);
    seen.add(page);
    const read = bytes === undefined ? undefined : readCells(page, bytes, images.latest);
    if (read === undefined || read.damaged > 0 || read.cells.some(({ rowid }) => rowid !== undefined)) {
      lost.push({ page, after, before });
    }
    for (const [index, child] of (read?.children ?? []).entries()) {
      visit(child, read?.cells[index - 1] ?? after, read?.cells[index] ?? before, depth + 1);
    }
  }
}

/** Roots of the tables, by name; none when the first page cannot be read. */
export function readRoots(images: PageImages): ReadonlyMap<string, number> {
  const bytes = images.latest(1);
  const cells = (bytes === undefined ? undefined : readCells(1, bytes, images.latest))?.cells ?? [];
  const roots = new Map<string, number>();
  for (const { values } of cells) {
    const [type, name, , root] = values;
    if (type === "table" && typeof name === "string" && typeof root === "bigint") roots.set(name, Number(root));
  }
  return roots;
}

/** Pages that hold nothing any more, though they look as before; as many as the list of them tells. */
export function readFreePages(images: PageImages): ReadonlySet<number> {
  const free = new Set<number>();
  for (let trunk = images.latest(1)?.readUInt32BE(32) ?? 0; trunk !== 0 && !free.has(trunk); ) {
    free.add(trunk);
    const bytes = images.latest(trunk);
    if (bytes === undefined) break;
    const leaves = Math.min(bytes.readUInt32BE(4), bytes.length / 4 - 2);
    for (let leaf = 0; leaf < leaves; leaf += 1) free.add(bytes.readUInt32BE(8 + 4 * leaf));
    trunk = bytes.readUInt32BE(0);
  }
  return free;
}
