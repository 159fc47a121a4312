import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { CoordinatorStore } from "../store/coordinator-store.ts";
import type { Change, Kept, Kind } from "./kept.ts";

/*
 * One coordinator is
 *
 *   current ──another claims the state──▶ deposed (for good: every save and every question is refused)
 *
 * What is put here is in memory at once and on disk once `settle` resolves. Nothing may be told to anybody before: a
 * coordinator that comes next must know of it.
 */

/** What the coordinator keeps over restarts, and what of it is not on disk yet. */
export interface Keeper {
  /** Rises with every coordinator that takes the state over. */
  readonly generation: number;
  /** Whether another coordinator has taken over. */
  readonly deposed: boolean;
  rows<K extends Kind>(kind: K): ReadonlyMap<string, Kept[K]>;
  get<K extends Kind>(kind: K, key?: string): Kept[K] | undefined;
  put<K extends Kind>(kind: K, key: string, row: Kept[K]): void;
  drop(kind: Kind, key: string): void;
  /** Whether the row (or that there is none) is on disk as it is. */
  isSaved(kind: Kind, key: string): boolean;
  /** Resolves when everything that has changed is on disk; what changes meanwhile shares the next write. */
  settle(): Promise<void>;
  /** As `settle`, and what may wait for the next write as well. */
  flush(): Promise<void>;
  /** Resolves when it is certain that no other coordinator had taken over when this was called. */
  confirm(): Promise<void>;
}

/** How a keeper behaves. */
export interface KeeperOptions {
  /** Told before each write what is about to be written; may put more. */
  readonly beforeSave: (changes: readonly Change[]) => void;
  readonly afterSave: (changes: readonly Change[]) => void;
  readonly onDeposed: (error: GuildhallError) => void;
}

// Written with the next write of anything else, or after a while.
const lazyKinds: ReadonlySet<Kind> = new Set(["decision"]);

/** Claims the store and reads what is kept there. */
export async function createKeeper(store: CoordinatorStore, options: KeeperOptions): Promise<Keeper> {
  const { generation, rows } = await store.claim();
  return new StoreKeeper(store, options, generation, rows);
}

class StoreKeeper implements Keeper {
  readonly generation: number;
  readonly #store: CoordinatorStore;
  readonly #options: KeeperOptions;
  readonly #rows = new Map<Kind, Map<string, Kept[Kind]>>();
  readonly #unsaved = new Map<string, Change>();
  #saving: Promise<void> | undefined;
  #confirming: Promise<void> | undefined;
  #deposedBy: GuildhallError | undefined;

  constructor(store: CoordinatorStore, options: KeeperOptions, generation: number, rows: readonly Change[]) {
    this.#store = store;
    this.#options = options;
    this.generation = generation;
    for (const { kind, key, row } of rows) if (row !== undefined) this.#of(kind).set(key, row);
  }

  get deposed(): boolean {
    return this.#deposedBy !== undefined;
  }

  rows<K extends Kind>(kind: K): ReadonlyMap<string, Kept[K]> {
    return this.#of(kind);
  }

  get<K extends Kind>(kind: K, key = ""): Kept[K] | undefined {
    return this.#of(kind).get(key);
  }

  put<K extends Kind>(kind: K, key: string, row: Kept[K]): void {
    this.#of(kind).set(key, row);
    this.#unsaved.set(`${kind} ${key}`, { kind, key, row } as unknown as Change);
  }

  drop(kind: Kind, key: string): void {
    if (!this.#of(kind).delete(key)) return;
    this.#unsaved.set(`${kind} ${key}`, { kind, key, row: undefined });
  }

  isSaved(kind: Kind, key: string): boolean {
    return !this.#unsaved.has(`${kind} ${key}`);
  }

  async settle(): Promise<void> {
    this.#checkCurrent();
    while (this.#hasUrgent()) await this.#saveOnce();
  }

  async flush(): Promise<void> {
    this.#checkCurrent();
    while (this.#unsaved.size > 0) await this.#saveOnce();
  }

  async confirm(): Promise<void> {
    this.#checkCurrent();
    // A reading under way began before this was called: it proves nothing.
    const earlier = this.#confirming;
    if (earlier !== undefined) await earlier.catch(() => {});
    this.#confirming ??= this.#readGeneration().finally(() => {
      this.#confirming = undefined;
    });
    await this.#confirming;
  }

  async #readGeneration(): Promise<void> {
    const current = await this.#store.generation();
    if (current !== this.generation)
      this.#depose(new GuildhallError("FENCED", `coordinator ${current} has taken over`));
    this.#checkCurrent();
  }

  #of<K extends Kind>(kind: K): Map<string, Kept[K]> {
    let rows = this.#rows.get(kind);
    if (rows === undefined) {
      rows = new Map();
      this.#rows.set(kind, rows);
    }
    return rows as Map<string, Kept[K]>;
  }

  #hasUrgent(): boolean {
    for (const { kind } of this.#unsaved.values()) if (!lazyKinds.has(kind)) return true;
    return false;
  }

  #saveOnce(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  async #save(): Promise<void> {
    this.#options.beforeSave([...this.#unsaved.values()]);
    const changes = [...this.#unsaved.values()];
    try {
      await this.#store.save({ expected: this.generation, changes });
    } catch (error) {
      if (isGuildhallError(error) && error.code === "FENCED") this.#depose(error);
      throw error;
    }
    for (const change of changes) {
      const key = `${change.kind} ${change.key}`;
      if (this.#unsaved.get(key) === change) this.#unsaved.delete(key);
    }
    this.#options.afterSave(changes);
  }

  #depose(error: GuildhallError): void {
    if (this.#deposedBy !== undefined) return;
    this.#deposedBy = error;
    this.#options.onDeposed(error);
  }

  #checkCurrent(): void {
    if (this.#deposedBy !== undefined) throw this.#deposedBy;
  }
}
