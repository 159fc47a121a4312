import { GuildhallError } from "@guildhall/errors";
import type { Command, CommandResult } from "@guildhall/proto";
import type { HostParts } from "./host-parts.ts";
import { journalTakesNothing } from "./journal-gate.ts";
import { nonceKeyOf } from "./nonce-key.ts";
import { resultOf } from "./open-topic.ts";
import type { Shard } from "./shard.ts";
import type { Asker } from "./topic-actor.ts";

/** Decides the commands of a shard, each once, however often it is sent. */
export interface ShardCommands {
  run(topic: bigint, command: Command, asker: Asker): Promise<CommandResult>;
}

/** Makes those of a shard. */
export function makeShardCommands(shard: Shard, parts: HostParts): ShardCommands {
  return new Commands(shard, parts);
}

class Commands implements ShardCommands {
  readonly #shard: Shard;
  readonly #parts: HostParts;

  constructor(shard: Shard, parts: HostParts) {
    this.#shard = shard;
    this.#parts = parts;
  }

  async run(topic: bigint, command: Command, asker: Asker): Promise<CommandResult> {
    const { requestId } = command;
    const nonceKey = nonceKeyOf(command);
    const { stats, guards } = this.#parts;
    const { retries, work } = this.#shard;
    stats.commands++;
    work.commands++;
    const known = guards.retryTable ? retries.find(requestId, nonceKey) : undefined;
    if (known !== undefined) {
      stats.repeats++;
      if (known.is === "pending") return known.outcome;
      return known.is === "done" ? known.result : this.#readResult(known.topic, known.seq);
    }
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    // Nobody may have joined; the asker is answered below.
    promise.catch(() => {});
    retries.begin(requestId, nonceKey, promise);
    try {
      this.#checkBacklog();
      this.#checkJournal(topic);
      const found = this.#shard.actor(topic);
      const actor = found instanceof Promise ? await found : found;
      actor.asked++;
      // Opening may have found it in the journal, where an earlier attempt of unknown outcome had put it.
      const result = this.#found(requestId, nonceKey) ?? (await actor.command(command, asker));
      this.#forgetUnstored(requestId, nonceKey);
      resolve(result);
      return result;
    } catch (error) {
      retries.forget(requestId, nonceKey);
      stats.refusals++;
      reject(error);
      throw error;
    }
  }

  #found(requestId: bigint, nonceKey: string): CommandResult | undefined {
    if (!this.#parts.guards.retryTable) return undefined;
    const { retries } = this.#shard;
    const attempts = [retries.find(requestId, ""), retries.find(0n, nonceKey)];
    return attempts.find((attempt) => attempt?.is === "done")?.result;
  }

  /** What made no record needs no memory of it. */
  #forgetUnstored(requestId: bigint, nonceKey: string): void {
    const { retries } = this.#shard;
    if (retries.find(requestId, nonceKey)?.is === "pending") retries.forget(requestId, nonceKey);
  }

  #checkBacklog(): void {
    const { backlogRecords, backlogBytes } = this.#parts.config.limits;
    const { applier } = this.#shard;
    if (applier.backlog < backlogRecords && applier.backlogBytes < backlogBytes) return;
    throw new GuildhallError("STORE_UNAVAILABLE", "too much waits to be stored", { retryAfterMs: 1_000 });
  }

  /** A topic that is not open takes the journal to be opened: nobody is made to wait for one that takes nothing. */
  #checkJournal(topic: bigint): void {
    if (this.#shard.headOf(topic) === undefined && !this.#parts.gate.admits()) throw journalTakesNothing();
  }

  /** What a journaled command was answered. It was done: whatever goes wrong here must not say otherwise. */
  async #readResult(topic: bigint, seq: bigint): Promise<CommandResult> {
    const read = this.#parts.ports.journal.readTopic(topic, seq, 1);
    const { records } = await read.catch((cause: unknown) => {
      throw new GuildhallError("OUTCOME_UNKNOWN", "the journal does not give the answer now", { cause });
    });
    const record = records[0]?.record;
    if (record?.seq !== seq) throw new GuildhallError("OUTCOME_UNKNOWN", "the journal no longer holds the answer");
    return resultOf(record);
  }
}
