import { GuildhallError } from "@guildhall/errors";
import {
  type Applied,
  type Apply,
  type DirectoryEntry,
  type EpochRecord,
  type GuildRows,
  type MembershipRow,
  type Row,
  type SlotRange,
  StateKind,
} from "@guildhall/proto";
import { formatRange } from "@guildhall/slots";
import { ascending } from "../src/domain/model/bigint-order.ts";
import type { Directory, Memberships, Store } from "../src/domain/ports.ts";

/** A store in memory: a row of a lower time never replaces one of a higher. */
export class MemoryStore implements Store {
  /** Applying is refused while set. */
  isDown = false;
  reads = 0;
  /** The highest epoch in force in a range, by the journal. */
  ownerOf: (range: SlotRange) => EpochRecord | undefined = () => undefined;
  readonly #watermarks = new Map<string, { readonly range: SlotRange; readonly position: bigint }>();
  readonly #rows = new Map<string, Row>();
  readonly #applied = new Map<bigint, bigint>();

  /** Everything up to here is applied, in all ranges. */
  get watermark(): bigint {
    const [least] = this.#leaves()
      .map(({ position }) => position)
      .sort(ascending);
    return least ?? 0n;
  }

  async apply({ range = { i: 0, n: 1 }, epoch, rows, watermark, applied }: Apply): Promise<Applied> {
    await Promise.resolve();
    if (this.isDown) throw new GuildhallError("STORE_UNAVAILABLE", "down");
    const owner = this.ownerOf(range);
    if (owner !== undefined && owner.epoch > epoch) return { of: { $case: "fenced", value: { owner } } };
    for (const row of rows) {
      const known = this.#rows.get(keyOf(row));
      if (known === undefined || known.ts <= row.ts) this.#rows.set(keyOf(row), row);
    }
    const { position } = await this.readWatermark(range);
    this.#watermarks.set(formatRange(range), { range, position: watermark > position ? watermark : position });
    for (const { topic, seq } of applied) if (seq > (this.#applied.get(topic) ?? 0n)) this.#applied.set(topic, seq);
    return { of: { $case: "done", value: {} } };
  }

  /** That of the range, or of the nearest one that it was split from. */
  async readWatermark({ i, n }: SlotRange) {
    for (let of = n; of >= 1; of /= 2) {
      const found = this.#watermarks.get(formatRange({ i: i % of, n: of }));
      if (found !== undefined) return { position: found.position, epoch: 0 };
    }
    return { position: 0n, epoch: 0 };
  }

  /** Those that have not been split since. */
  #leaves(): { readonly range: SlotRange; readonly position: bigint }[] {
    const all = [...this.#watermarks.values()];
    return all.filter(({ range }) => !all.some((one) => one.range.n > range.n && one.range.i % range.n === range.i));
  }

  async loadGuild(topic: bigint): Promise<GuildRows> {
    const rows = this.#find(`state/${topic}/`).filter(
      ({ of }) => of?.$case === "state" && of.value.kind !== StateKind.STATE_KIND_AUDIT,
    );
    return { rows, appliedSeq: this.#applied.get(topic) ?? 0n, next: "" };
  }

  async loadMembers(topic: bigint, userIds: readonly bigint[]): Promise<Row[]> {
    this.reads++;
    return userIds.flatMap((id) => this.#find(`member/${topic}/${id}/`));
  }

  async listMembers(topic: bigint, after: bigint, limit: number): Promise<Row[]> {
    this.reads++;
    const idOf = ({ of }: Row) => (of?.$case === "member" ? of.value.userId : 0n);
    return this.#find(`member/${topic}/`)
      .filter((row) => idOf(row) > after)
      .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
      .slice(0, limit);
  }

  async loadMessages(channelId: bigint, messageIds: readonly bigint[]): Promise<Row[]> {
    this.reads++;
    return messageIds.flatMap((id) => [
      ...this.#find(`message/${channelId}/${id}/`),
      ...this.#find(`reaction/${channelId}/${id}/`),
    ]);
  }

  #find(prefix: string): Row[] {
    return [...this.#rows].filter(([key, row]) => key.startsWith(prefix) && !row.deleted).map(([, row]) => row);
  }
}

/** A directory in memory: what is there stays as it is. */
export class MemoryDirectory implements Directory {
  readonly entries = new Map<string, bigint>();

  async put(entries: readonly DirectoryEntry[]): Promise<DirectoryEntry[]> {
    return entries.map((entry) => {
      const key = `${entry.key?.kind}/${entry.key?.key}`;
      if (!this.entries.has(key)) this.entries.set(key, entry.topic);
      return { ...entry, topic: this.entries.get(key) as bigint };
    });
  }
}

/** The accounts' list of members, in memory. */
export class MemoryMemberships implements Memberships {
  readonly #members = new Map<string, boolean>();

  async apply(rows: readonly MembershipRow[]): Promise<void> {
    for (const { userId, guildId, member } of rows) this.#members.set(`${userId}/${guildId}`, member);
  }

  has(userId: bigint, guildId: bigint): boolean {
    return this.#members.get(`${userId}/${guildId}`) ?? false;
  }
}

function keyOf({ of }: Row): string {
  switch (of?.$case) {
    case "state":
      return `state/${of.value.topic}/${of.value.kind}/${of.value.key}`;
    case "member":
      return `member/${of.value.topic}/${of.value.userId}/`;
    case "message":
      return `message/${of.value.channelId}/${of.value.messageId}/`;
    case "reaction": {
      const { channelId, messageId, emojiId, emojiName, userId } = of.value;
      return `reaction/${channelId}/${messageId}/${emojiId}/${emojiName}/${userId}`;
    }
    default:
      return "";
  }
}
