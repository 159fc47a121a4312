import type {
  MessageRow,
  MessageScan,
  ReactionGroup,
  ReactionKey,
  ReactionRow,
  StorePort,
  StoreRow,
} from "@guildhall/data/answer";
import { makeWatermarks } from "@guildhall/data/domain";
import type { ShardRange } from "@guildhall/slots";

type Batch = Parameters<StorePort["apply"]>[0];
type Outcome = Awaited<ReturnType<StorePort["apply"]>>;

/** The tables of the store: what survives its process. A row of a lower time never replaces one of a higher. */
export class StoreDisk {
  readonly state = new Map<bigint, Map<string, StoreRow & { kind: "state" }>>();
  readonly members = new Map<bigint, Map<bigint, StoreRow & { kind: "member" }>>();
  readonly messages = new Map<bigint, Map<bigint, MessageRow>>();
  readonly reactions = new Map<bigint, Map<string, ReactionRow>>();
  readonly applied = new Map<bigint, bigint>();
  readonly #channels = new Map<bigint, bigint>();
  readonly #watermarks = makeWatermarks([]);

  apply({ range, epoch, rows, watermark, applied }: Batch): Outcome {
    const fence = this.#watermarks.fenceOf(range, epoch);
    if (fence !== undefined) return { kind: "fenced", epoch: fence };
    for (const row of rows) this.#put(row);
    for (const { topic, seq } of applied) if (seq > (this.applied.get(topic) ?? 0n)) this.applied.set(topic, seq);
    this.#watermarks.advance(range, epoch, watermark);
    return { kind: "done" };
  }

  readWatermark(range: ShardRange) {
    return this.#watermarks.read(range);
  }

  loadState(topic: bigint, without: number) {
    const rows = [...(this.state.get(topic)?.values() ?? [])].filter(
      ({ stateKind, deleted }) => stateKind !== without && !deleted,
    );
    return { rows, next: "", appliedSeq: this.applied.get(topic) ?? 0n };
  }

  loadMembers(topic: bigint, userIds: readonly bigint[]) {
    const members = this.members.get(topic);
    return userIds.flatMap((id) => {
      const row = members?.get(id);
      return row === undefined || row.deleted ? [] : [row];
    });
  }

  listMembers(topic: bigint, after: bigint, limit: number) {
    return [...(this.members.get(topic)?.values() ?? [])]
      .filter(({ userId, deleted }) => userId > after && !deleted)
      .sort((a, b) => (a.userId < b.userId ? -1 : 1))
      .slice(0, limit);
  }

  loadMessages(channelId: bigint, messageIds: readonly bigint[]) {
    const rows = messageIds.flatMap((id): (MessageRow | ReactionRow)[] => {
      const message = this.readMessage(channelId, id);
      if (message === undefined) return [];
      return [message, ...this.#reactionsOf(channelId, id)];
    });
    return { rows, next: "" };
  }

  scanMessages({ channelId, side, of, limit }: MessageScan) {
    const sign = side === "older" ? -1 : 1;
    const messages = [...(this.messages.get(channelId)?.values() ?? [])]
      .filter(({ messageId, deleted }) => !deleted && (side === "older" ? messageId < of : messageId > of))
      .sort((a, b) => (a.messageId < b.messageId ? -sign : sign))
      .slice(0, limit);
    return { messages, seq: this.#channels.get(channelId) ?? 0n };
  }

  readMessage(channelId: bigint, messageId: bigint): MessageRow | undefined {
    const row = this.messages.get(channelId)?.get(messageId);
    return row?.deleted ? undefined : row;
  }

  reactionGroups(channelId: bigint, messageIds: readonly bigint[]): Map<bigint, ReactionGroup[]> {
    const found = new Map<bigint, ReactionGroup[]>();
    for (const id of messageIds) {
      const groups = new Map<string, { -readonly [K in keyof ReactionGroup]: ReactionGroup[K] }>();
      for (const { emojiId, emojiName, userId, ts } of this.#reactionsOf(channelId, id)) {
        const key = `${emojiId}/${emojiName}`;
        const group = groups.get(key) ?? { emojiId, emojiName, count: 0, firstTs: ts, userIds: new Set<bigint>() };
        groups.set(key, {
          ...group,
          count: group.count + 1,
          firstTs: earlier(ts, group.firstTs),
          userIds: new Set([...(group.userIds ?? []), userId]),
        });
      }
      if (groups.size > 0) found.set(id, [...groups.values()]);
    }
    return found;
  }

  readReactions(keys: readonly ReactionKey[]) {
    return keys.map((key) => {
      const row = this.reactions.get(key.channelId)?.get(reactionKey(key));
      return row === undefined ? undefined : { ts: row.ts, deleted: row.deleted };
    });
  }

  #reactionsOf(channelId: bigint, messageId: bigint): ReactionRow[] {
    return [...(this.reactions.get(channelId)?.values() ?? [])].filter(
      (row) => row.messageId === messageId && !row.deleted,
    );
  }

  #put(row: StoreRow): void {
    switch (row.kind) {
      case "state":
        putNewer(this.state, row.topic, `${row.stateKind}/${row.key}`, row);
        return;
      case "member":
        putNewer(this.members, row.topic, row.userId, row);
        return;
      case "message":
        putNewer(this.messages, row.channelId, row.messageId, row);
        this.#note(row.channelId, row.seq);
        return;
      case "reaction":
        putNewer(this.reactions, row.channelId, reactionKey(row), row);
        this.#note(row.channelId, row.seq);
        return;
      default:
        row satisfies never;
    }
  }

  #note(channelId: bigint, seq: bigint): void {
    if (seq > (this.#channels.get(channelId) ?? -1n)) this.#channels.set(channelId, seq);
  }
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function reactionKey({ messageId, emojiId, emojiName, userId }: ReactionKey): string {
  return `${messageId}/${emojiId}/${emojiName}/${userId}`;
}

function putNewer<P, K, R extends { readonly ts: bigint }>(tables: Map<P, Map<K, R>>, part: P, key: K, row: R): void {
  let table = tables.get(part);
  if (table === undefined) {
    table = new Map();
    tables.set(part, table);
  }
  const known = table.get(key);
  if (known === undefined || known.ts <= row.ts) table.set(key, row);
}
