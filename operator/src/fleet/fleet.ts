/** The parts that a fleet is made of; each is a workload of processes. */
export const parts = ["data", "coordinator", "router", "user", "guild", "gateway", "api"] as const;

/** One of `parts`. */
export type Part = (typeof parts)[number];

/** The ports that a process may listen on besides its RPC address. */
export type PortName = "metrics" | "http" | "ws" | "own";

/** The folders that processes of one part share. */
export type SharedFolder = "sessions";

/** A setting whose value depends on where things run. */
export type Link =
  /** The RPC address that the process itself serves. */
  | { readonly kind: "listen" }
  /** The RPC address that the process tells others of itself. */
  | { readonly kind: "advertised" }
  /** The RPC addresses of other processes, comma-separated. */
  | { readonly kind: "addresses"; readonly of: readonly string[] }
  /** A folder that outlives the process. */
  | { readonly kind: "folder" }
  /** A folder that all processes of the part share, and that outlives them. */
  | { readonly kind: "shared"; readonly name: SharedFolder }
  /** What a port of the process is bound to. */
  | { readonly kind: "host" | "port"; readonly port: PortName }
  /** How clients reach a port of this process: "http" of the API, "ws" of any gateway, "own" of this one. */
  | { readonly kind: "url"; readonly port: PortName };

/** One process. */
export interface Instance {
  /** E.g. "guild-0"; the same over restarts. */
  readonly name: string;
  readonly part: Part;
  /** Environment without addresses. */
  readonly settings: Readonly<Record<string, string>>;
  /** Of `settings`: those that a running process is told in another way, so that a change needs no new start. */
  readonly live: readonly string[];
  /** The rest of the environment, which `environmentOf` resolves. */
  readonly links: Readonly<Record<string, Link>>;
}

/** The processes of one part. */
export interface Workload {
  readonly part: Part;
  readonly replicas: number;
  /** Parts that are ready before this one starts. After that each survives the loss of any other. */
  readonly after: readonly Part[];
  readonly instances: readonly Instance[];
}

/** What runs, independent of where. */
export interface Fleet {
  readonly name: string;
  /** The version that every part must have; absent = whatever the applier has. */
  readonly version?: string;
  /** In an order of start: none comes before a part that it is `after`. */
  readonly workloads: readonly Workload[];
  /** In which order parts stop, those of one step together. */
  readonly stops: readonly (readonly Part[])[];
}
