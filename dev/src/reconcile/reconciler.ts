import { toGuildhallError } from "@guildhall/errors";
import type { Timers } from "@guildhall/lifecycle";
import type { ShardSet } from "@guildhall/operator/api";
import { badSpec, changesOf, coordinatorSpec, forbiddenChanges, type SpecChange } from "@guildhall/operator/plan";
import type { FleetSpec, ReshardStatus } from "@guildhall/proto";
import type { CoordinatorClient } from "@guildhall/rpc";
import type { Crew } from "../crew.ts";
import type { Output } from "../output/output.ts";
import { type Action, decide } from "./decide.ts";
import type { Operations } from "./operations.ts";
import { reshardLine } from "./reshard-line.ts";
import type { Steward } from "./steward.ts";
import { type Said, saidAfter, saidPaused, saidShards, wishesOf } from "./wishes.ts";

/** Brings a running fleet to what its document asks for, again and again. */
export interface Reconciler extends AsyncDisposable {
  /** The document that was accepted last. */
  readonly document: ShardSet;
  /** What is wanted: the document, and what the tool has said over it. */
  readonly wishes: ShardSet;
  /** How the shards are, as the coordinator said last; undefined when it has not answered. */
  readonly reshard: ReshardStatus | undefined;
  /** Begins: a look each second, and at each change. */
  begin(): void;
  /** Takes a checked document over, whole or not at all. Throws BAD_SPEC, with paths, for what cannot be followed. */
  accept(document: ShardSet, source: string): Promise<readonly SpecChange[]>;
  /** Over the document, until it is edited. */
  setPaused(paused: boolean): void;
  /** Over the document, until spec.shards is edited. */
  setShards(shards: number): void;
  /** The tool wants no more than these shards: what it said before has ended. The document's wish stays. */
  settleShards(shards: number): void;
  /** Does something that changes what is wanted while no look is under way, which might still tell what was wanted before. */
  alone<T>(act: () => Promise<T>): Promise<T>;
}

/** What a reconciler needs. */
export interface ReconcilerOptions {
  readonly document: ShardSet;
  readonly crew: Crew;
  readonly steward: Steward;
  readonly operations: Operations;
  readonly output: Output;
  readonly timers: Timers;
  readonly coordinator: () => Promise<CoordinatorClient>;
  readonly everyMs?: number;
}

const usualMs = 1_000;
const callTimeoutMs = 2_000;
/** What could not be done is tried again after so long. */
const retryMs = 10_000;

/** Makes the reconciler of a crew; `begin()` begins. */
export function makeReconciler(options: ReconcilerOptions): Reconciler {
  return new LevelReconciler(options);
}

class LevelReconciler implements Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #stopping = new AbortController();
  readonly #notBefore = new Map<string, number>();
  #document: ShardSet;
  #said: Said = {};
  #reshard: ReshardStatus | undefined;
  #shown = "";
  #trouble = "";
  #timer: Disposable | undefined;
  #pass: Promise<void> | undefined;
  #isDue = false;
  #alone = 0;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#document = options.document;
  }

  get document(): ShardSet {
    return this.#document;
  }

  get wishes(): ShardSet {
    return wishesOf(this.#document, this.#said);
  }

  get reshard(): ReshardStatus | undefined {
    return this.#reshard;
  }

  begin(): void {
    this.#timer ??= this.#options.timers.every(this.#options.everyMs ?? usualMs, () => this.#look());
    this.#look();
  }

  async accept(document: ShardSet, source: string): Promise<readonly SpecChange[]> {
    const changes = changesOf(this.#document, document);
    const problems = forbiddenChanges(changes, this.#reshard);
    if (problems.length > 0) throw badSpec(source, problems);
    if (changes.length === 0) return changes;
    await this.#options.crew.adopt(document);
    this.#document = document;
    const before = this.#said;
    this.#said = saidAfter(
      before,
      changes.map(({ path }) => path),
    );
    if (before.paused !== undefined) {
      this.#options.output.say("what `guildhall pause` or `resume` said has ended with this edit");
    }
    this.#notBefore.clear();
    this.#look();
    return changes;
  }

  setPaused(paused: boolean): void {
    this.#said = saidPaused(this.#document, this.#said, paused);
    this.#look();
  }

  setShards(shards: number): void {
    this.#said = saidShards(this.#document, this.#said, shards);
    this.#look();
  }

  settleShards(shards: number): void {
    if (this.#said.shards !== undefined) this.setShards(shards);
  }

  async alone<T>(act: () => Promise<T>): Promise<T> {
    this.#alone++;
    try {
      await this.#pass;
      return await act();
    } finally {
      this.#alone--;
      this.#look();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#timer?.[Symbol.dispose]();
    // What is being done with single processes ends with them.
    await this.#pass;
  }

  /** One pass at a time; what was asked for during one begins the next. */
  #look(): void {
    if (this.#stopping.signal.aborted || this.#timer === undefined) return;
    this.#isDue = true;
    if (this.#alone > 0) return;
    this.#pass ??= this.#passes().finally(() => {
      this.#pass = undefined;
    });
  }

  async #passes(): Promise<void> {
    while (this.#isDue && this.#alone === 0 && !this.#stopping.signal.aborted) {
      this.#isDue = false;
      const { crew, operations } = this.#options;
      // While all is replaced there is nobody to be told anything.
      if (operations.isAllBusy) return;
      const removableHosts = await this.#tellCoordinator();
      const actions = decide({
        planned: crew.planned,
        processes: crew.seen(operations),
        removableHosts,
        isPaused: this.wishes.spec.paused,
      });
      for (const action of actions) this.#perform(action);
    }
  }

  /** Sends what is wanted; returns the hosts that may be stopped. `isAgain`: after looking how things are. */
  async #tellCoordinator(isAgain = false): Promise<readonly string[]> {
    const { coordinator } = this.#options;
    const spec = this.#specToTell();
    try {
      const client = await coordinator();
      const signal = this.#stopping.signal;
      const { removableHosts, reshard } = await client.call(
        "applySpec",
        { spec },
        { timeoutMs: callTimeoutMs, signal },
      );
      this.#reshard = reshard;
      this.#show(reshard);
      this.#complain(this.#mismatch());
      // Only what was said of this very plan counts.
      return spec.hosts.join() === this.#hosts().join() ? removableHosts : [];
    } catch (error) {
      if (this.#stopping.signal.aborted) return [];
      const { code, message } = toGuildhallError(error);
      // What it refuses is no reason not to know how things are: else nobody could say what would be right.
      if (code === "BAD_SPEC") {
        await this.#ask();
        // What was told came of old knowledge, e.g. from before a doubling that took no second.
        const isOutdated = this.#specToTell().shards !== spec.shards;
        // Who changes it just now has the next look after that.
        if (isOutdated && this.#alone > 0) return [];
        if (isOutdated && !isAgain) return this.#tellCoordinator(true);
      }
      this.#complain((code === "BAD_SPEC" && this.#mismatch()) || `the coordinator: ${message}`);
      return [];
    }
  }

  async #ask(): Promise<void> {
    try {
      const client = await this.#options.coordinator();
      const { reshard } = await client.call("describeFleet", {}, { timeoutMs: callTimeoutMs });
      this.#reshard = reshard;
    } catch {
      // It is asked again in a second.
    }
  }

  /** As wished; but shards are not merged, and doubled once at a time: then as many as there are. */
  #specToTell(): FleetSpec {
    const spec = coordinatorSpec(this.wishes, this.#hosts());
    const { phase, to, serving } = this.#reshard ?? { phase: "", to: 0, serving: 0 };
    if (phase === "Splitting" || phase === "Moving") return { ...spec, shards: to };
    // The document of a fleet that was doubled by the tool, or whose state is of another document.
    const isPossible = serving === 0 || spec.shards === serving || spec.shards === 2 * serving;
    return { ...spec, shards: isPossible ? spec.shards : serving };
  }

  #hosts(): string[] {
    return this.#options.crew.planned.filter((name) => name.startsWith("guild-"));
  }

  #show(reshard: ReshardStatus | undefined): void {
    const line = reshard === undefined ? "" : reshardLine(reshard);
    if (line !== this.#shown && line !== "") this.#options.output.say(line);
    this.#shown = line;
  }

  /** What is odd about the number of shards that the document asks for; "" = nothing. */
  #mismatch(): string {
    const { shards } = this.wishes.spec;
    const { phase = "", serving = 0 } = this.#reshard ?? {};
    if (serving === 0 || phase === "Splitting" || phase === "Moving") return "";
    if (shards === serving || shards === 2 * serving) return "";
    const right = `write ${serving} there, or ${2 * serving} to double them`;
    return `spec.shards is ${shards}, but ${serving} shards serve, and they stay: ${right}`;
  }

  /** Says what is wrong, once for as long as it is the same; "" = nothing is. */
  #complain(trouble: string): void {
    if (trouble !== this.#trouble && trouble !== "") this.#options.output.say(trouble, "warn");
    this.#trouble = trouble;
  }

  #perform({ kind, name }: Action): void {
    const { steward, output } = this.#options;
    if ((this.#notBefore.get(name) ?? 0) > performance.now()) return;
    if (kind === "start") {
      steward.start(name);
      return;
    }
    const work = kind === "retire" ? steward.retire(name) : steward.renew(name);
    work.then(
      () => this.#look(),
      (error: unknown) => {
        this.#notBefore.set(name, performance.now() + retryMs);
        if (!this.#stopping.signal.aborted) output.say(`${name}: ${toGuildhallError(error).message}`, "warn");
      },
    );
  }
}
