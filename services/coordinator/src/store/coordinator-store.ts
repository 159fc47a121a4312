import type { Change } from "../domain/kept.ts";

/** What a coordinator finds when it takes the state over. */
export interface Claimed {
  /** Names this coordinator in every save. */
  readonly generation: number;
  /** All rows kept, each once, in order of kind and key. */
  readonly rows: readonly Change[];
}

/** What is to be kept, by whom. */
export interface Save {
  /** The generation of the coordinator that saves. */
  readonly expected: number;
  readonly changes: readonly Change[];
}

/**
 * Where the coordinator's state rests. One coordinator at a time may write: the one that claimed last. All others are
 * refused from that moment on, whatever they believe.
 */
export interface CoordinatorStore extends AsyncDisposable {
  /** Makes the caller the one that may save, under a generation above all before, and reads everything. */
  claim(): Promise<Claimed>;
  /**
   * Durable, in one piece, when it resolves. Rejects with GuildhallError FENCED, with nothing written, when another
   * generation has claimed the state.
   */
  save(save: Save): Promise<void>;
  /** The generation that claimed last; 0 = none ever. */
  generation(): Promise<number>;
}
