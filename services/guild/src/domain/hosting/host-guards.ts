/**
 * The protections of a host, each of which a simulation switches off to show what it is for. Nothing else does: they come
 * from no setting.
 */
export interface HostGuards {
  /** What needs no append is answered by a fresh lease or after a look at the journal; without it, always. */
  readonly readCheck: boolean;
  /** A request id or an enforced nonce that was seen before gets the first answer. */
  readonly retryTable: boolean;
  /** A shard is opened with the request ids of the last minutes. */
  readonly retryWindow: boolean;
  /** What a receiver was sent is kept by the id of its move, and nothing of it may be missing. */
  readonly moveId: boolean;
  /** What comes for a shard while it changes hands waits for the outcome. */
  readonly seal: boolean;
  /** Beats name the heads that changed. */
  readonly beats: boolean;
  /** An id is above all earlier ones of its topic. */
  readonly idRule: boolean;
}

/** Everything protected. */
export const allHostGuards: HostGuards = {
  readCheck: true,
  retryTable: true,
  retryWindow: true,
  moveId: true,
  seal: true,
  beats: true,
  idRule: true,
};
