import { type Class, Classes } from "./classes.ts";
import { type ChannelShape, type GuildShape, type Impact, type RoleShape, Shape, type ShapeChange } from "./shape.ts";
import type { View } from "./view.ts";

/** A member, as far as it decides what it sees. Roles the guild does not have count for nothing. */
export interface MemberShape {
  readonly userId: bigint;
  readonly roleIds: readonly bigint[];
}

/** A tracked member whose view became another. */
export interface ViewChange {
  readonly userId: bigint;
  readonly before: View;
  readonly after: View;
}

/** Who sees what in one guild. */
export interface Visibility {
  readonly guildId: bigint;
  readonly ownerId: bigint;
  readonly roles: ReadonlyMap<bigint, RoleShape>;
  readonly channels: ReadonlyMap<bigint, ChannelShape>;
  /**
   * The view of any member. Equal contents are one object as long as tracked members have it; by `key` they are equal
   * always.
   */
  viewOf(member: MemberShape): View;
  /** Begins to follow a member, or gives one that is followed new roles; returns its view. */
  track(userId: bigint, roleIds: readonly bigint[]): View;
  untrack(userId: bigint): void;
  viewOfTracked(userId: bigint): View | undefined;
  /** The roles that a tracked member was last given; undefined when it is not tracked. */
  rolesOfTracked(userId: bigint): readonly bigint[] | undefined;
  /** Gives a tracked member new roles; undefined when its view stays, or when it is not tracked. */
  setRoles(userId: bigint, roleIds: readonly bigint[]): ViewChange | undefined;
  /** Makes a change; one entry for each tracked member whose view became another. Views are worked out once per class. */
  apply(change: ShapeChange): ViewChange[];
  /** How many different views tracked members have. */
  viewCount(): number;
}

interface Member {
  readonly userId: bigint;
  roleIds: readonly bigint[];
  class: Class;
}

/** Makes the visibility of a guild, without tracked members. */
export function makeVisibility(initial: GuildShape): Visibility {
  return new GuildVisibility(initial);
}

class GuildVisibility implements Visibility {
  readonly #shape: Shape;
  readonly #classes: Classes;
  readonly #members = new Map<bigint, Member>();

  constructor(initial: GuildShape) {
    this.#shape = new Shape(initial);
    this.#classes = new Classes(this.#shape);
  }

  get guildId(): bigint {
    return this.#shape.guildId;
  }

  get ownerId(): bigint {
    return this.#shape.ownerId;
  }

  get roles(): ReadonlyMap<bigint, RoleShape> {
    return this.#shape.roles;
  }

  get channels(): ReadonlyMap<bigint, ChannelShape> {
    return this.#shape.channels;
  }

  viewOf({ userId, roleIds }: MemberShape): View {
    return this.#classes.find(userId, roleIds).view;
  }

  track(userId: bigint, roleIds: readonly bigint[]): View {
    const known = this.#members.get(userId);
    if (known !== undefined) this.#give(known, roleIds);
    else {
      const cls = this.#classes.enter(this.#classes.find(userId, roleIds));
      this.#members.set(userId, { userId, roleIds: this.#own(roleIds), class: cls });
    }
    return (this.#members.get(userId) as Member).class.view;
  }

  untrack(userId: bigint): void {
    const member = this.#members.get(userId);
    if (member === undefined) return;
    this.#members.delete(userId);
    this.#classes.leave(member.class);
  }

  viewOfTracked(userId: bigint): View | undefined {
    return this.#members.get(userId)?.class.view;
  }

  rolesOfTracked(userId: bigint): readonly bigint[] | undefined {
    return this.#members.get(userId)?.roleIds;
  }

  setRoles(userId: bigint, roleIds: readonly bigint[]): ViewChange | undefined {
    const member = this.#members.get(userId);
    if (member === undefined) return undefined;
    const before = member.class.view;
    this.#give(member, roleIds);
    const after = member.class.view;
    return before === after ? undefined : { userId, before, after };
  }

  apply(change: ShapeChange): ViewChange[] {
    // Classes without members are not worked out anew, so none may be left to be found.
    this.#classes.tidy();
    const impact = this.#shape.change(change);
    if (impact === undefined) return [];
    const stale = this.#classes.active();
    const moved = this.#regroup(impact);
    const refreshed = this.#classes.refresh(stale, impact);
    this.#classes.tidy();
    const candidates = refreshed.size > 0 ? this.#members.values() : moved.keys();
    const changes: ViewChange[] = [];
    for (const member of candidates) {
      const after = member.class.view;
      const before = moved.get(member) ?? refreshed.get(member.class) ?? after;
      if (before !== after) changes.push({ userId: member.userId, before, after });
    }
    return changes;
  }

  viewCount(): number {
    return new Set(this.#classes.active().map(({ view }) => view)).size;
  }

  /** Finds the classes anew of the members that a change may have set apart or put together; returns their views before. */
  #regroup({ roles, users }: Impact): Map<Member, View> {
    const before = new Map<Member, View>();
    if (roles.size > 0) {
      for (const member of this.#members.values()) {
        if (member.roleIds.some((id) => roles.has(id))) before.set(member, member.class.view);
      }
    }
    for (const userId of users) {
      const member = this.#members.get(userId);
      if (member !== undefined) before.set(member, member.class.view);
    }
    for (const member of before.keys()) this.#give(member, member.roleIds);
    return before;
  }

  #give(member: Member, roleIds: readonly bigint[]): void {
    const left = member.class;
    member.class = this.#classes.enter(this.#classes.find(member.userId, roleIds));
    member.roleIds = this.#own(roleIds);
    this.#classes.leave(left);
  }

  /** The same ids, as the objects the shape has: members by the thousand then share them. */
  #own(roleIds: readonly bigint[]): bigint[] {
    return roleIds.map((id) => this.#shape.roles.get(id)?.id ?? id);
  }
}
