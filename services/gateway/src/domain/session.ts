import { type Attachment, lasting } from "./attachment.ts";
import type { Body } from "./body.ts";
import { Deque } from "./deque.ts";
import type { LogRecord, RecordOwner } from "./dispatch-log.ts";
import type { LogWriter } from "./log-writer.ts";
import type { Profile } from "./profile.ts";

/*
 * States of a session:
 *
 *   starting ──initial guilds sent──▶ live ◀──resumed── cut ──window over──▶ ended
 *      │                               │  ──socket lost──▶
 *      └──────────socket lost──────────┴──client closed with 1000 or 1001, token revoked──▶ ended
 *
 * starting: `startIndex` is undefined; such a session cannot be resumed.
 * cut: `link` is undefined; nothing is sent, nothing is counted. What happens meanwhile is in the log.
 */

/** Where a session's frames go. */
export interface Link {
  /** Takes a dispatch for sending. */
  send(s: number, body: Body): void;
  /** Lets that many bytes more than usual wait, until all is sent: what a client asked for comes in one piece. */
  grant(bytes: number): void;
  /** Whether ephemeral events had better not be sent now. */
  readonly isCongested: boolean;
}

/** A guild that a session is joining. */
export interface GuildJoin {
  /** The client knows of the guild already, as one that is to come. */
  readonly wasAnnounced: boolean;
  /** The user has joined (once more) since this began: its outcome may be out of date. */
  isOutdated: boolean;
  /** The user has left: not to be tried any more. */
  isUnwanted: boolean;
}

/** What a session is made with. */
export interface SessionSeed {
  readonly id: string;
  readonly userId: bigint;
  readonly tokenHash: string;
  readonly profile: Profile;
  readonly shardId: number;
  readonly shardCount: number;
  /** From which size on a guild's GUILD_CREATE leaves out members; 0 = it always does. */
  readonly largeThreshold: number;
  readonly slot: number;
  /** How often it has changed gateways; with a higher one of it elsewhere, it is no longer ours. */
  readonly generation: number;
}

/** A client's session: which topics it has, and a counter. It holds nothing of what was sent. */
export class Session implements RecordOwner {
  readonly id: string;
  readonly userId: bigint;
  /** SHA-256 of the token, as latin1 text (an eighth of the size of a Buffer). */
  readonly tokenHash: string;
  readonly profile: Profile;
  readonly shardId: number;
  readonly shardCount: number;
  readonly largeThreshold: number;
  /** Place in checkpoints. */
  readonly slot: number;
  readonly generation: number;
  link: Link | undefined;
  /** When it came to this process (monotonic, whole milliseconds). */
  sinceMs = 0;
  /** Topics it has or, as far as the log reaches back, had. */
  attachments: Attachment[] = [];
  /** The `s` of the last dispatch counted. */
  s = 0;
  /** The log's index when the initial guilds had all been sent. */
  startIndex: number | undefined = undefined;
  startS = 0;
  /** While cut: the log's index up to which `s` counts. */
  cutIndex = 0;
  hasEnded = false;
  /** Guilds that it is joining. */
  joining: Map<bigint, GuildJoin> | undefined = undefined;
  /** When it last asked for all members of a guild. */
  memberLists: Map<bigint, number> | undefined = undefined;
  #own: Deque<LogRecord> | undefined = undefined;
  #sheds: number[] | undefined = undefined;
  droppedSeq = 0;

  constructor(seed: SessionSeed) {
    this.id = seed.id;
    this.userId = seed.userId;
    this.tokenHash = seed.tokenHash;
    this.profile = seed.profile;
    this.shardId = seed.shardId;
    this.shardCount = seed.shardCount;
    this.largeThreshold = seed.largeThreshold;
    this.slot = seed.slot;
    this.generation = seed.generation;
  }

  /** Records for this session alone. */
  get records(): Deque<LogRecord> {
    this.#own ??= new Deque();
    return this.#own;
  }

  get hasOwnRecords(): boolean {
    return this.#own !== undefined && this.#own.length > 0;
  }

  /** Whether the client shard of this session has the guild. */
  hasGuild(guildId: bigint): boolean {
    return Number((guildId >> 22n) % BigInt(this.shardCount)) === this.shardId;
  }

  /** Whether what belongs to no guild goes to this session. */
  get isFirstShard(): boolean {
    return this.shardId === 0;
  }

  /** Counts a dispatch and sends it. Only while there is a link. */
  deliver(body: Body): void {
    this.s++;
    (this.link as Link).send(this.s, body);
  }

  /** Whether ephemeral events are being left out. */
  get isShedding(): boolean {
    return this.#sheds !== undefined && this.#sheds.length % 2 === 1;
  }

  /** Begins to leave ephemeral events out with the record of that index, or ends it. */
  toggleShedding(index: number): void {
    this.#sheds ??= [];
    this.#sheds.push(index);
  }

  /** Like `deliver`, but leaves it out, uncounted, while the link is congested. `index` is that of its record. */
  deliverEphemeral(body: Body, index: number, writer: LogWriter): void {
    const { isCongested } = this.link as Link;
    if (isCongested !== this.isShedding) {
      this.toggleShedding(index);
      if (this.startIndex !== undefined) writer.shed(this, index);
    }
    if (!isCongested) this.deliver(body);
  }

  /** Whether an ephemeral record of that index was left out. */
  didShed(index: number): boolean {
    const sheds = this.#sheds;
    if (sheds === undefined) return false;
    let before = 0;
    while (before < sheds.length && (sheds[before] as number) <= index) before++;
    return before % 2 === 1;
  }

  /** Forgets what the log no longer reaches. */
  trim(floor: number): void {
    const isForgotten = ({ to }: Attachment): boolean => to !== lasting && to <= floor;
    if (this.attachments.some(isForgotten)) this.attachments = this.attachments.filter((each) => !isForgotten(each));
    const sheds = this.#sheds;
    while (sheds !== undefined && sheds.length >= 2 && (sheds[1] as number) <= floor) sheds.splice(0, 2);
    if (sheds?.length === 0) this.#sheds = undefined;
    if (this.#own?.length === 0) this.#own = undefined;
  }
}
