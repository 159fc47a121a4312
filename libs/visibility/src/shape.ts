import { allPermissions, type ChannelKind, kindOfChannelType, type Overwrite } from "@guildhall/permissions";

/** A role, as far as it decides what is seen; @everyone has the guild's id. */
export interface RoleShape {
  readonly id: bigint;
  readonly permissions: bigint;
}

/** A channel's overwrite for a role or a member. */
export interface OverwriteShape {
  readonly id: bigint;
  readonly kind: "role" | "member";
  readonly allow: bigint;
  readonly deny: bigint;
}

/** A channel, category or thread; `type` as in the API, `parentId` 0n for none. A thread goes by its parent's overwrites. */
export interface ChannelShape {
  readonly id: bigint;
  readonly type: number;
  readonly parentId: bigint;
  readonly overwrites: readonly OverwriteShape[];
}

/** All of a guild that decides who sees what. */
export interface GuildShape {
  readonly guildId: bigint;
  readonly ownerId: bigint;
  readonly roles: readonly RoleShape[];
  readonly channels: readonly ChannelShape[];
}

/** One change of a guild's shape, in absolute terms: applying it twice is the same as once. */
export type ShapeChange =
  | { readonly kind: "role-put"; readonly role: RoleShape }
  | { readonly kind: "role-delete"; readonly id: bigint }
  | { readonly kind: "channel-put"; readonly channel: ChannelShape }
  | { readonly kind: "channel-delete"; readonly id: bigint }
  | { readonly kind: "owner"; readonly userId: bigint };

/** What decides a channel's word for a class: channels with the same `rules.name` have the same word. */
export interface Rules {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly overwrites: readonly Overwrite[];
}

/** What a change touches. Members with one of `roles` or among `users` may change class; then classes are to be worked out anew. */
export interface Impact {
  readonly roles: ReadonlySet<bigint>;
  readonly users: ReadonlySet<bigint>;
  /** A role whose classes have a new base, @everyone for all of them. */
  readonly baseOf?: bigint;
  /** Channels whose words are to be worked out anew for every class. */
  readonly channels?: readonly bigint[];
}

const none: ReadonlySet<bigint> = new Set();

/** A guild's shape as it is kept, with what matters in it. */
export class Shape {
  readonly guildId: bigint;
  #ownerId: bigint;
  readonly #roles: Map<bigint, RoleShape>;
  readonly #channels = new Map<bigint, ChannelShape>();
  readonly #overwriteNames = new Map<bigint, string>();
  // How many overwrites name a role, or a member.
  readonly #namedRoles = new Map<bigint, number>();
  readonly #namedUsers = new Map<bigint, number>();

  constructor({ guildId, ownerId, roles, channels }: GuildShape) {
    this.guildId = guildId;
    this.#ownerId = ownerId;
    this.#roles = new Map(roles.map((role) => [role.id, role]));
    for (const channel of channels) this.#replace(channel.id, channel);
  }

  get ownerId(): bigint {
    return this.#ownerId;
  }

  get roles(): ReadonlyMap<bigint, RoleShape> {
    return this.#roles;
  }

  get channels(): ReadonlyMap<bigint, ChannelShape> {
    return this.#channels;
  }

  /** Whether a role sets its members apart: it has bits that @everyone has not, or an overwrite names it. */
  matters(roleId: bigint): boolean {
    const role = this.#roles.get(roleId);
    if (role === undefined || roleId === this.guildId) return false;
    const everyone = this.#roles.get(this.guildId)?.permissions ?? 0n;
    return this.#namedRoles.has(roleId) || (role.permissions & allPermissions & ~everyone) !== 0n;
  }

  /** Whether an overwrite names a member. */
  isNamed(userId: bigint): boolean {
    return this.#namedUsers.has(userId);
  }

  /** The rules of a channel; undefined for one that is not known, and for a thread whose parent is not. */
  rulesOf(channelId: bigint): Rules | undefined {
    const channel = this.#channels.get(channelId);
    if (channel === undefined) return undefined;
    const kind = kindOfChannelType(channel.type);
    const source = kind === "thread" ? this.#channels.get(channel.parentId) : channel;
    if (source === undefined) return undefined;
    return { name: `${kind}|${this.#overwriteNames.get(source.id)}`, kind, overwrites: source.overwrites };
  }

  /** Makes a change and says what it touches; undefined when it touches nothing. */
  change(change: ShapeChange): Impact | undefined {
    switch (change.kind) {
      case "role-put":
        return this.#putRole(change.role);
      case "role-delete":
        return this.#deleteRole(change.id);
      case "channel-put":
        return this.#setChannel(change.channel.id, change.channel);
      case "channel-delete":
        return this.#setChannel(change.id, undefined);
      case "owner": {
        const before = this.#ownerId;
        if (change.userId === before) return undefined;
        this.#ownerId = change.userId;
        return { roles: none, users: new Set([before, change.userId]) };
      }
      default:
        return change satisfies never;
    }
  }

  #putRole(role: RoleShape): Impact | undefined {
    if (this.#roles.get(role.id)?.permissions === role.permissions) return undefined;
    const candidates = role.id === this.guildId ? [...this.#roles.keys()] : [role.id];
    const roles = this.#toggled(candidates, () => this.#roles.set(role.id, role));
    return { roles, users: none, baseOf: role.id };
  }

  #deleteRole(id: bigint): Impact | undefined {
    if (!this.#roles.has(id) || id === this.guildId) return undefined;
    return { roles: this.#toggled([id], () => this.#roles.delete(id)), users: none };
  }

  #setChannel(id: bigint, next: ChannelShape | undefined): Impact | undefined {
    const previous = this.#channels.get(id);
    if (previous === undefined && next === undefined) return undefined;
    const affected = [id, ...this.#threadsOf(id)];
    const rulesBefore = affected.map((each) => this.rulesOf(each)?.name);
    const overwrites = [...(previous?.overwrites ?? []), ...(next?.overwrites ?? [])];
    const roleIds = overwrites.filter(({ kind }) => kind === "role").map((overwrite) => overwrite.id);
    const wasNamed = new Map(
      overwrites.filter(({ kind }) => kind === "member").map((overwrite) => [overwrite.id, this.isNamed(overwrite.id)]),
    );
    const roles = this.#toggled(roleIds, () => this.#replace(id, next));
    const users = [...wasNamed].filter(([userId, was]) => this.isNamed(userId) !== was).map(([userId]) => userId);
    const channels = affected.filter((each, index) => this.rulesOf(each)?.name !== rulesBefore[index]);
    return { roles, users: new Set(users), channels };
  }

  /** Does something and returns which of the roles began or ceased to matter by it. */
  #toggled(candidates: readonly bigint[], act: () => void): Set<bigint> {
    const before = new Map(candidates.map((id) => [id, this.matters(id)]));
    act();
    return new Set([...before].filter(([id, did]) => this.matters(id) !== did).map(([id]) => id));
  }

  #replace(id: bigint, next: ChannelShape | undefined): void {
    for (const overwrite of this.#channels.get(id)?.overwrites ?? []) this.#count(overwrite, -1);
    for (const overwrite of next?.overwrites ?? []) this.#count(overwrite, 1);
    if (next === undefined) {
      this.#channels.delete(id);
      this.#overwriteNames.delete(id);
    } else {
      this.#channels.set(id, next);
      this.#overwriteNames.set(id, nameOf(next.overwrites));
    }
  }

  #count({ id, kind }: OverwriteShape, by: number): void {
    const counts = kind === "role" ? this.#namedRoles : this.#namedUsers;
    const now = (counts.get(id) ?? 0) + by;
    if (now > 0) counts.set(id, now);
    else counts.delete(id);
  }

  #threadsOf(parentId: bigint): bigint[] {
    const threads: bigint[] = [];
    for (const channel of this.#channels.values()) {
      if (channel.parentId === parentId && kindOfChannelType(channel.type) === "thread") threads.push(channel.id);
    }
    return threads;
  }
}

/** Text that is equal for equal overwrites, in whatever order they come. */
function nameOf(overwrites: readonly OverwriteShape[]): string {
  return overwrites
    .map(({ id, kind, allow, deny }) => `${kind}${id}+${allow}-${deny}`)
    .sort()
    .join(" ");
}
