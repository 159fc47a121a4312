import { GuildhallError } from "@guildhall/errors";
import type { AttachedTopic, TopicKind } from "../domain/attachment.ts";
import { DispatchLog, type LogLimits } from "../domain/dispatch-log.ts";
import { GuildTopic } from "../domain/guild-topic.ts";
import { silentWriter } from "../domain/log-writer.ts";
import { UserTopic } from "../domain/user-topic.ts";
import { readEphemeral, readEvent } from "../topics/convert.ts";
import type { EventInput, TopicInput } from "./input.ts";

/** The topics of another gateway and its dispatch log, made from what its session log says of them. */
export class ReplayedTopics {
  readonly log: DispatchLog;
  readonly #nowMs: () => number;
  readonly #guilds = new Map<bigint, GuildTopic>();
  readonly #users = new Map<bigint, UserTopic>();

  constructor(limits: LogLimits, nowMs: () => number) {
    this.log = new DispatchLog(limits);
    this.#nowMs = nowMs;
  }

  guild(id: bigint): GuildTopic | undefined {
    return this.#guilds.get(id);
  }

  /** An account's topic, as of `seq`. */
  user(id: bigint, seq: number): UserTopic {
    let topic = this.#users.get(id);
    // Without sessions it may have been left and followed again.
    if (topic === undefined || topic.sessionCount === 0) {
      topic = new UserTopic(id, { ...this.#ports(), onChange() {} });
      topic.start(seq);
      this.#users.set(id, topic);
    }
    expectAt(topic, seq);
    return topic;
  }

  /** A guild has started, or is told of once more. */
  start({ index, seq, shape }: TopicInput): void {
    const known = this.#guilds.get(shape.guildId);
    if (known !== undefined && !known.isGone) {
      expectAt(known, seq);
      return;
    }
    this.jumpTo(index);
    const topic = new GuildTopic(shape.guildId, { ...this.#ports(), onLeft() {}, onGone() {} });
    topic.start(shape, seq);
    this.#guilds.set(topic.id, topic);
  }

  end(guildId: bigint): void {
    this.#guilds.delete(guildId);
  }

  /** Of a topic that is not known yet nothing is of use. */
  apply({ of, index, topic: id, encoded }: EventInput): void {
    const topic = this.#find(of, id);
    if (topic === undefined) return;
    const event = readEvent(encoded);
    expectAt(topic, event.seq - 1);
    this.jumpTo(index);
    topic.apply(event);
  }

  applyEphemeral({ of, index, topic: id, encoded }: EventInput): void {
    const topic = this.#find(of, id);
    const event = topic && readEphemeral(encoded);
    if (event === undefined) return;
    this.jumpTo(index);
    topic?.applyEphemeral(event);
  }

  /** The log goes on at an index. What lies between was of topics that are not known yet. */
  jumpTo(index: number): void {
    if (!this.log.jumpTo(index)) throw differs(`the log is at ${this.log.index}, and ${index} follows`);
  }

  /** Forgets accounts without sessions. */
  tidy(): void {
    for (const [id, topic] of this.#users) if (topic.sessionCount === 0) this.#users.delete(id);
  }

  #find(kind: TopicKind, id: bigint): GuildTopic | UserTopic | undefined {
    return kind === "guild" ? this.#guilds.get(id) : this.#users.get(id);
  }

  #ports() {
    return { log: this.log, writer: silentWriter, nowMs: this.#nowMs };
  }
}

/** What comes next is to follow what was. */
export function expectAt({ kind, id, seq }: AttachedTopic, expected: number): void {
  if (seq !== expected) throw differs(`${kind} ${id} is at ${seq}, not ${expected}`);
}

/** What the log says does not follow from what it said before. */
export function differs(how: string): GuildhallError {
  return new GuildhallError("INTERNAL", `the log does not add up: ${how}`);
}
