import type { Command, CommandResult } from "@guildhall/proto";

/** A command that got a request id, and what its client was told. Times are virtual milliseconds. */
export interface CommandEvidence {
  readonly requestId: bigint;
  readonly command: Command;
  readonly beganMs: number;
  endedMs: number | undefined;
  result: CommandResult | undefined;
  /** An error's code. */
  code: string | undefined;
}

/** A question that was answered, as its asker saw it. */
export interface ReadEvidence {
  readonly guildId: bigint;
  readonly asker: bigint;
  readonly what: ReadWhat;
  readonly beganMs: number;
  readonly endedMs: number;
  /** The JSON, or why it was refused. */
  readonly answer: { readonly json: unknown } | { readonly code: string };
}

/** What was asked. */
export type ReadWhat =
  | { readonly kind: "channel"; readonly channelId: bigint }
  | { readonly kind: "history"; readonly channelId: bigint };

/** A dispatch as a client got it. */
export interface DispatchEvidence {
  readonly s: number;
  readonly t: string;
  readonly d: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

/** A session, from its READY to what became of it. */
export interface SessionEvidence {
  readonly userId: bigint;
  readonly isBot: boolean;
  readonly sessionId: string;
  readonly beganMs: number;
  readonly dispatches: DispatchEvidence[];
  readonly resumes: { readonly askedMs: number; readonly atMs: number }[];
  /** When its client was told that it is over. */
  lostMs: number | undefined;
  /** Whether that was the answer to a RESUME. */
  isRefused: boolean;
}

/** Something that must not be, with what shows it. */
export interface Violation {
  /** The check's name. */
  readonly check: string;
  readonly what: string;
  readonly evidence: readonly string[];
}

/** All that was seen from outside in one run. */
export class Evidence {
  readonly commands = new Map<bigint, CommandEvidence>();
  readonly reads: ReadEvidence[] = [];
  readonly sessions: SessionEvidence[] = [];
  readonly violations: Violation[] = [];
  /** Moves and splits that were carried out, with the pause that they made. */
  readonly pauses: { readonly what: string; readonly pauseMs: number; readonly atMs: number }[] = [];
  /** How often what happened. */
  readonly counts = new Map<string, number>();
  /** What the run wants told when it fails, in order. */
  readonly trace: string[] = [];
  isTracing = false;
  readonly #nowMs: () => number;
  readonly #exempt = new Set<string>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs();
  }

  began(requestId: bigint, command: Command): void {
    const known = this.commands.get(requestId);
    if (known !== undefined) this.violate("ids", `request id ${requestId} was made twice`, []);
    this.commands.set(requestId, {
      ...{ requestId, command, beganMs: this.#nowMs() },
      ...{ endedMs: undefined, result: undefined, code: undefined },
    });
    this.note(() => `request ${requestId} ${command.body?.$case} begins`);
  }

  ended(requestId: bigint, outcome: { readonly result: CommandResult } | { readonly code: string }): void {
    const command = this.commands.get(requestId);
    if (command === undefined) return;
    command.endedMs = this.#nowMs();
    if ("result" in outcome) command.result = outcome.result;
    else command.code = outcome.code;
    this.note(() => {
      const said = "result" in outcome ? `acked at seq ${outcome.result.position?.seq}` : outcome.code;
      return `request ${requestId} ${command.command.body?.$case} ends: ${said}`;
    });
  }

  violate(check: string, what: string, evidence: readonly string[]): void {
    this.violations.push({ check, what, evidence });
    this.note(() => `VIOLATION of ${check}: ${what}`);
  }

  /** What happens from now on may lead to what a check would find wrong. */
  exempt(check: string): void {
    this.#exempt.add(check);
  }

  isExempt(check: string): boolean {
    return this.#exempt.has(check);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  note(text: () => string): void {
    if (this.isTracing) this.trace.push(`${this.#nowMs().toFixed(3).padStart(10)} ${text()}`);
  }
}
