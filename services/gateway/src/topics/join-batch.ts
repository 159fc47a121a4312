import { GuildhallError } from "@guildhall/errors";
import type { Timers } from "@guildhall/lifecycle";
import { type JoinResult, JoinView } from "@guildhall/proto";
import type { RouterClient } from "@guildhall/rpc";
import { Segment } from "../domain/body.ts";

/** One user's part of a join's answer. */
export interface JoinAnswer {
  readonly isMember: boolean;
  readonly roleIds: readonly bigint[];
  readonly memberJson: Uint8Array;
  readonly joinedAt: string;
  /** The topic's durable head when the answer was made. */
  readonly headSeq: number;
  readonly snapshot: GuildSnapshot | undefined;
}

/** The JSON of a guild as one view sees it. */
export interface GuildSnapshot {
  /** The topic's seq that it shows. */
  readonly seq: number;
  /** `{"id":...` up to, and without, `,"joined_at"`; the same piece for all sessions that get it. */
  readonly open: Segment;
  readonly others: readonly { readonly userId: bigint; readonly json: Uint8Array }[];
}

interface Waiting {
  readonly userId: bigint;
  readonly withMembers: boolean;
  readonly answer: PromiseWithResolvers<JoinAnswer>;
}

/** What a batch uses. */
export interface JoinBatchPorts {
  readonly router: Pick<RouterClient, "call">;
  readonly timers: Timers;
  /** Whether the guild's shape is to be asked for with the next batch. */
  wantsShape(): boolean;
  /** An answer has come, before those who wait for it are told; throws when it is of no use. */
  onResult(result: JoinResult): void;
  /** A batch that was to bring the shape has failed. */
  onShapeFailed(): void;
}

const timeoutMs = 5_000;
const maxUsers = 256;
const keptSnapshots = 8;

/** Joins of one guild: those of one turn of the event loop are asked for together. */
export class JoinBatch {
  readonly #guildId: bigint;
  readonly #ports: JoinBatchPorts;
  #waiting: Waiting[] = [];
  #snapshots: Segment[] = [];

  constructor(guildId: bigint, ports: JoinBatchPorts) {
    this.#guildId = guildId;
    this.#ports = ports;
  }

  /** Asks for a user; rejects when the owner cannot be asked. */
  ask(userId: bigint, withMembers: boolean): Promise<JoinAnswer> {
    const answer = Promise.withResolvers<JoinAnswer>();
    if (this.#waiting.length === 0) this.#ports.timers.after(0, () => this.#flush());
    this.#waiting.push({ userId, withMembers, answer });
    return answer.promise;
  }

  /** Forgets snapshots that nobody will be given any more. */
  tidy(): void {
    this.#snapshots = [];
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let from = 0; from < waiting.length; from += maxUsers) {
      void this.#send(waiting.slice(from, from + maxUsers));
    }
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const wantShape = this.#ports.wantsShape();
    const asked = new Map(
      batch.map(({ userId, withMembers }) => [keyOf(userId, withMembers), { userId, withMembers }]),
    );
    const users = [...asked.values()].map(({ userId, withMembers }) => ({
      userId,
      view: withMembers ? JoinView.JOIN_VIEW_MEMBERS : JoinView.JOIN_VIEW_OWN_MEMBER,
    }));
    try {
      const guildId = this.#guildId;
      const join = { guildId, users, wantShape };
      const result = await this.#ports.router.call("join", join, { timeoutMs, extra: { topic: guildId } });
      this.#ports.onResult(result);
      const answers = this.#answersOf(result);
      const places = new Map([...asked.keys()].map((key, place) => [key, place]));
      for (const { userId, withMembers, answer } of batch) {
        const found = answers[places.get(keyOf(userId, withMembers)) ?? -1];
        if (found === undefined) answer.reject(new GuildhallError("INTERNAL", `a join left out user ${userId}`));
        else answer.resolve(found);
      }
    } catch (error) {
      if (wantShape) this.#ports.onShapeFailed();
      for (const { answer } of batch) answer.reject(error);
    }
  }

  #answersOf({ head, users, snapshots }: JoinResult): JoinAnswer[] {
    const made = snapshots.map(({ seq, openJson, members }) => ({
      seq: Number(seq),
      open: this.#shared(openJson),
      others: members,
    }));
    return users.map(({ member, roleIds, memberJson, joinedAt, snapshot }) => ({
      isMember: member,
      roleIds,
      memberJson,
      joinedAt,
      headSeq: Number(head?.seq ?? 0n),
      snapshot: member ? made[snapshot] : undefined,
    }));
  }

  /** The piece for a snapshot's bytes; equal bytes of answers shortly one after the other are one piece. */
  #shared(openJson: Buffer): Segment {
    const known = this.#snapshots.find(({ bytes }) => openJson.equals(bytes));
    if (known !== undefined) return known;
    const made = new Segment(Buffer.from(openJson), true);
    this.#snapshots = [made, ...this.#snapshots].slice(0, keptSnapshots);
    return made;
  }
}

function keyOf(userId: bigint, withMembers: boolean): string {
  return `${userId}${withMembers ? "+" : ""}`;
}
