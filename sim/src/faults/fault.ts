import type { PauseKind } from "../engine/sim-process.ts";

/** Something that goes wrong at a moment, and for how long. Names are those of processes; times in milliseconds. */
export type Fault =
  /** A process ends, at once or in the middle of a turn after some `effects`, and comes back after `forMs`. */
  | {
      readonly kind: "crash";
      readonly name: string;
      readonly silently: boolean;
      readonly effects: number | undefined;
      readonly forMs: number;
    }
  | { readonly kind: "pause"; readonly name: string; readonly how: PauseKind; readonly forMs: number }
  /** Nothing gets from one name ("*": any) to another. */
  | { readonly kind: "block"; readonly from: string; readonly to: string; readonly forMs: number }
  /** Nothing gets from any of the one side to any of the other, nor back. */
  | {
      readonly kind: "divide";
      readonly here: readonly string[];
      readonly there: readonly string[];
      readonly forMs: number;
    }
  /** All streams between two processes break. */
  | { readonly kind: "reset"; readonly a: string; readonly b: string }
  | {
      readonly kind: "slow";
      readonly from: string;
      readonly to: string;
      readonly addedMs: number;
      readonly forMs: number;
    }
  | {
      readonly kind: "journal";
      readonly commitMs: number;
      readonly failChance: number;
      readonly unknownChance: number;
      readonly readsFail: boolean;
      readonly forMs: number;
    }
  | {
      readonly kind: "store";
      readonly storeMs: number;
      readonly fails: boolean;
      readonly directoryFails: boolean;
      readonly forMs: number;
    }
  | { readonly kind: "bus"; readonly loss: number; readonly forMs: number }
  /** An operator's verb. `draw`, from 0 to 1, picks the shard among those that there are then. */
  | { readonly kind: "move"; readonly draw: number; readonly toHost: string }
  | { readonly kind: "drain"; readonly host: string; readonly forMs: number }
  /** Twice as many shards are wanted from now on. */
  | { readonly kind: "double" }
  | { readonly kind: "reshard"; readonly verb: "pause" | "resume" | "cancel" | "undo" }
  | { readonly kind: "rebalance" }
  | { readonly kind: "balance"; readonly mode: "Off" | "Auto" }
  /** A second coordinator starts on the same state while the first runs. */
  | { readonly kind: "second coordinator" }
  /** Something happens to who sends or gets a certain message, a moment after it was sent. */
  | {
      readonly kind: "trap";
      /** The message's case, e.g. "commit". */
      readonly on: string;
      readonly isReply: boolean;
      /** How many of them pass unharmed. */
      readonly skip: number;
      readonly afterMs: number;
      readonly effect:
        | "crash sender"
        | "crash receiver"
        | "pause sender"
        | "pause receiver"
        | "block"
        | "reset"
        | "block, crash receiver";
      readonly forMs: number;
    }
  /** The coordinator cannot write. */
  | { readonly kind: "coordinator store"; readonly forMs: number }
  /** Session logs cannot be written: meanwhile sessions go on at their own gateways only. */
  | { readonly kind: "session store"; readonly forMs: number }
  /** A gateway sends its clients to others and ends; another incarnation starts after `forMs`. */
  | { readonly kind: "drain gateway"; readonly name: string; readonly forMs: number }
  /** A machine's clock is set by so much, and its process starts anew. */
  | { readonly kind: "clock"; readonly name: string; readonly jumpMs: number };

/** A fault and when. */
export interface PlannedFault {
  readonly atMs: number;
  readonly fault: Fault;
}

const deeds: ReadonlySet<Fault["kind"]> = new Set(["move", "drain", "double", "reshard", "rebalance", "balance"]);

/** Whether it is no fault at all, but what operators do. */
export function isDeed({ kind }: Fault): boolean {
  return deeds.has(kind);
}

/** A fault for a person. */
export function describeFault({ atMs, fault }: PlannedFault): string {
  const { kind, ...rest } = fault;
  const details = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === "number" ? Math.round(value * 1_000) / 1_000 : String(value)}`);
  return `${atMs.toFixed(0).padStart(8)} ${kind} ${details.join(" ")}`;
}
