import { Permission } from "@guildhall/permissions";
import type { ChannelShape, Dispatch, GuildShape, JoinResult, RoleShape, ShapeChange } from "@guildhall/proto";
import { Event } from "@guildhall/proto";
import { intentsOfEvent } from "@guildhall/protocol";
import { makeVisibility } from "@guildhall/visibility";

/** Who gets a dispatch, as the wire says it. */
export type AudienceOf = NonNullable<NonNullable<Dispatch["audience"]>["of"]>;

const everyone: AudienceOf = { $case: "everyone", value: {} };

/** A dispatch with what a test leaves out. */
export function makeDispatch(
  type: string,
  data: object,
  { of = everyone, ...rest }: Partial<Omit<Dispatch, "audience">> & { of?: AudienceOf } = {},
): Dispatch {
  return {
    type,
    audience: { of },
    intents: BigInt(intentsOfEvent(type)),
    data: Buffer.from(JSON.stringify(data)),
    gatedData: Buffer.alloc(0),
    ungatedUsers: [],
    halfGatedData: Buffer.alloc(0),
    halfGatedUsers: [],
    intentExemptUsers: [],
    content: type.startsWith("MESSAGE_"),
    ...rest,
  };
}

/** Who may see a channel. */
export function viewers(channelId: bigint): AudienceOf {
  return { $case: "channel", value: { channelId, permission: Permission.VIEW_CHANNEL } };
}

/** A guild as its host would keep it: state, and every event since the beginning. */
export class TestGuild {
  readonly id: bigint;
  readonly ownerId: bigint;
  readonly roles = new Map<bigint, RoleShape>();
  readonly channels = new Map<bigint, ChannelShape>();
  readonly members = new Map<bigint, bigint[]>();
  readonly events: Buffer[] = [];
  /** Refills of events up to this seq are refused. */
  forgottenSeq = 0n;
  /** What snapshots show, when they are older than the guild. */
  snapshotSeq: bigint | undefined;

  constructor(id: bigint, ownerId: bigint) {
    this.id = id;
    this.ownerId = ownerId;
    this.roles.set(id, { id, permissions: Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES });
    this.members.set(ownerId, []);
  }

  get seq(): bigint {
    return BigInt(this.events.length);
  }

  /** Makes an event; the state changes with it. */
  emit(dispatches: Dispatch[], changes: NonNullable<ShapeChange["of"]>[] = []): Buffer {
    for (const change of changes) this.#apply(change);
    const event = Event.encode({
      topic: this.id,
      epoch: 1,
      seq: this.seq + 1n,
      dispatches,
      changes: changes.map((of) => ({ of })),
      userChanges: [],
      traceparent: "",
    }).finish();
    this.events.push(Buffer.from(event));
    return Buffer.from(event);
  }

  join(users: readonly { userId: bigint }[], wantShape: boolean): JoinResult {
    const visibility = makeVisibility({
      ...this.shape(),
      channels: this.shape().channels.map(({ overwrites, ...channel }) => ({
        ...channel,
        overwrites: overwrites.map(({ type, ...overwrite }) => ({
          ...overwrite,
          kind: type === 1 ? ("member" as const) : ("role" as const),
        })),
      })),
    });
    const snapshots: JoinResult["snapshots"] = [];
    const joined = users.map(({ userId }) => {
      const roleIds = this.members.get(userId);
      if (roleIds === undefined) {
        return { userId, member: false, roleIds: [], memberJson: Buffer.alloc(0), snapshot: 0, joinedAt: "" };
      }
      const visible = visibility.viewOf({ userId, roleIds }).visibleChannels();
      const guild = { id: String(this.id), name: "guild", unavailable: false, channels: visible.map(String) };
      const openJson = Buffer.from(JSON.stringify(guild).slice(0, -1));
      const snapshot = snapshots.push({ seq: this.snapshotSeq ?? this.seq, openJson, members: [] }) - 1;
      const member = { user: { id: String(userId), username: `user-${userId}` }, roles: roleIds.map(String) };
      const memberJson = Buffer.from(JSON.stringify(member));
      return { userId, member: true, roleIds, memberJson, snapshot, joinedAt: "2026-01-01T00:00:00.000000+00:00" };
    });
    const head = { topic: this.id, epoch: 1, seq: this.seq, lastId: 0n, lastTs: 0n };
    return { head, shape: wantShape ? this.shape() : undefined, users: joined, snapshots };
  }

  shape(): GuildShape {
    return {
      guildId: this.id,
      ownerId: this.ownerId,
      roles: [...this.roles.values()],
      channels: [...this.channels.values()],
    };
  }

  #apply(change: NonNullable<ShapeChange["of"]>): void {
    switch (change.$case) {
      case "rolePut":
        this.roles.set(change.value.id, change.value);
        break;
      case "roleDelete":
        this.roles.delete(change.value);
        break;
      case "channelPut":
        this.channels.set(change.value.id, change.value);
        break;
      case "channelDelete":
        this.channels.delete(change.value);
        break;
      case "memberRoles":
        this.members.set(change.value.userId, change.value.roleIds);
        break;
      case "memberGone":
        this.members.delete(change.value);
        break;
      default:
        break;
    }
  }
}
