import type { Join, JoinedUser, JoinResult, Snapshot, SnapshotMember } from "@guildhall/proto";
import { JoinView } from "@guildhall/proto";
import type { HostStats } from "../hosting/host-stats.ts";
import type { ReadTurn, TopicActor } from "../hosting/topic-actor.ts";
import { lower } from "../model/bigint-order.ts";
import { bytesOf, noBytes } from "../model/bytes.ts";
import { guildShapeOf } from "../model/shape.ts";
import type { Guild, Member } from "../model/thing.ts";
import type { Clock } from "../ports.ts";
import { guildCreateOpenJson } from "../render/render-guild.ts";
import { memberJson } from "../render/render-user.ts";

/** Snapshots of guilds for joining sessions, each rendered once for a view and kept for a short while. */
export interface Joins {
  answer(actor: TopicActor, join: Join): Promise<JoinResult>;
}

interface Kept {
  readonly snapshot: Snapshot;
  readonly atMs: number;
}

/** All members of a small guild, as of a seq at least. */
interface Listing {
  readonly seq: bigint;
  readonly atMs: number;
  readonly members: Promise<readonly Member[]>;
}

// The largest large_threshold a session can ask for: a guild of more members never sends them all.
const maxListedMembers = 250;
const keptMs = 1_000;
const maxKeptPerTopic = 64;

/** Makes the joins of a host. */
export function makeJoins(options: JoinsOptions): Joins {
  return new HostJoins(options);
}

interface JoinsOptions {
  readonly clock: Clock;
  readonly stats: HostStats;
}

class HostJoins implements Joins {
  readonly #options: JoinsOptions;
  readonly #kept = new WeakMap<TopicActor, Map<string, Kept>>();
  readonly #listings = new WeakMap<TopicActor, Listing>();

  constructor(options: JoinsOptions) {
    this.#options = options;
  }

  async answer(actor: TopicActor, join: Join): Promise<JoinResult> {
    this.#options.stats.joins++;
    const required = { members: join.users.map(({ userId }) => userId), messages: [] };
    const wantsMembers = join.users.some(({ view }) => view === JoinView.JOIN_VIEW_MEMBERS);
    const small = (actor.state.guild?.memberCount ?? 0) <= maxListedMembers;
    const listing = wantsMembers && small ? this.#list(actor) : undefined;
    const members = (await listing?.members) ?? [];
    return actor.read(undefined, required, (turn) => {
      const { guild } = turn.state;
      const snapshots: Snapshot[] = [];
      const users = join.users.map(({ userId, view: asked }): JoinedUser => {
        const member = guild?.deleted === false ? turn.member(userId) : undefined;
        if (guild === undefined || member === undefined) return stranger(userId);
        const listed: Listed =
          asked === JoinView.JOIN_VIEW_MEMBERS && listing !== undefined
            ? { view: asked, members, seq: listing.seq }
            : { view: asked, members: [], seq: turn.head.seq };
        const snapshot = this.#snapshot(turn, actor, { guild, member, listed });
        let index = snapshots.indexOf(snapshot);
        if (index < 0) index = snapshots.push(snapshot) - 1;
        return joined(turn, member, index);
      });
      const shape = join.wantShape ? guildShapeOf(turn.state) : undefined;
      return { head: turn.head, shape, users, snapshots };
    });
  }

  /** The members of a guild; those who ask within a short while share one listing. */
  #list(actor: TopicActor): Listing {
    const now = this.#options.clock.monotonicMs();
    const known = this.#listings.get(actor);
    if (known !== undefined && now - known.atMs <= keptMs) return known;
    const members = actor.things.list(0n, maxListedMembers);
    const listing = { seq: actor.seq, atMs: now, members };
    this.#listings.set(actor, listing);
    members.catch(() => this.#listings.delete(actor));
    return listing;
  }

  /** The snapshot for a member's view: one that is kept, unless it is old or views have changed since. */
  #snapshot(turn: ReadTurn, actor: TopicActor, { guild, member, listed }: Wanted): Snapshot {
    const { clock, stats } = this.#options;
    const now = clock.monotonicMs();
    const view = turn.state.viewOf(member);
    const snapshots = this.#snapshotsOf(actor);
    const key = `${listed.view}/${view.key}`;
    const known = snapshots.get(key);
    if (known !== undefined && now - known.atMs <= keptMs && known.snapshot.seq >= actor.shapeSeq) {
      stats.snapshotsReused++;
      return known.snapshot;
    }
    stats.snapshotsRendered++;
    const members = listed.members.map(
      (each): SnapshotMember => ({ userId: each.userId, json: bytesOf(memberJson(turn.state.roles, each)) }),
    );
    const openJson = bytesOf(guildCreateOpenJson(turn.state, guild, view));
    const snapshot = { seq: lower(listed.seq, turn.head.seq), openJson, members };
    if (snapshots.size >= maxKeptPerTopic) snapshots.clear();
    snapshots.set(key, { snapshot, atMs: now });
    return snapshot;
  }

  #snapshotsOf(actor: TopicActor): Map<string, Kept> {
    let snapshots = this.#kept.get(actor);
    if (snapshots === undefined) {
      snapshots = new Map();
      this.#kept.set(actor, snapshots);
    }
    return snapshots;
  }
}

interface Wanted {
  readonly guild: Guild;
  readonly member: Member;
  readonly listed: Listed;
}

interface Listed {
  readonly view: JoinView;
  readonly members: readonly Member[];
  /** The listed members may lack what came after this. */
  readonly seq: bigint;
}

function joined({ state }: ReadTurn, member: Member, snapshot: number): JoinedUser {
  return {
    userId: member.userId,
    member: true,
    roleIds: member.roleIds.filter((id) => state.roles.has(id)),
    memberJson: bytesOf(memberJson(state.roles, member)),
    snapshot,
    joinedAt: member.joinedAt,
  };
}

function stranger(userId: bigint): JoinedUser {
  return { userId, member: false, roleIds: [], memberJson: noBytes, snapshot: 0, joinedAt: "" };
}
