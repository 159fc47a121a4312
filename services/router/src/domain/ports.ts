import type { DirectoryEntry, DirectoryKey, Page, PageJson, TopicReply, TopicRequest } from "@guildhall/proto";

/** Milliseconds of any origin that pass evenly. */
export interface Clock {
  monotonicMs(): number;
}

/** Runs a function once after `ms`; disposing what it returns prevents that. */
export interface Timers {
  after(ms: number, run: () => void): Disposable;
}

/** What a request is answered with. */
export type Answer = NonNullable<TopicReply["body"]>;

/** The one stream to one host. */
export interface HostLink extends AsyncDisposable {
  readonly connected: boolean;
  /**
   * Sends a request and resolves to the host's own answer, failures included. Rejects with GuildhallError UNAVAILABLE,
   * QUEUE_FULL or PAYLOAD_TOO_LARGE when the request was certainly never written; whatever else it rejects with, the outcome is unknown.
   */
  send(request: TopicRequest, timeoutMs: number): Promise<Answer>;
}

/** Begins to connect to a host; `onUp` is called each time the stream is there (again). */
export type ConnectHost = (address: string, onUp: () => void) => HostLink;

/** What the router asks of `data`; rejects with GuildhallError. */
export interface DataPort {
  /** Those of the keys that exist. */
  findDirectory(keys: readonly DirectoryKey[], timeoutMs: number): Promise<readonly DirectoryEntry[]>;
  page(page: Page, options: { timeoutMs: number; traceparent: string }): Promise<PageJson>;
}
