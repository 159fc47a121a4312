import {
  allPermissions,
  basePermissions,
  channelPermissions,
  kindOfChannelType,
  Permission,
} from "@guildhall/permissions";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type ChannelShape,
  type GuildShape,
  gained,
  lost,
  makeVisibility,
  type OverwriteShape,
  type ShapeChange,
  type Visibility,
} from "./index.ts";

const guildId = 1n;
const owner = 100n;
const { VIEW_CHANNEL, SEND_MESSAGES, ADMINISTRATOR, MANAGE_CHANNELS } = Permission;

/** What a member may do in a channel, worked out from nothing. */
function naive(
  { guildId, ownerId, roles, channels }: Visibility,
  userId: bigint,
  given: readonly bigint[],
  id: bigint,
) {
  const roleIds = given.filter((roleId) => roles.has(roleId));
  const base = basePermissions({
    guildId,
    ownerId,
    userId,
    roleIds,
    rolePermissions: (r) => roles.get(r)?.permissions,
  });
  const channel = channels.get(id);
  const channelKind = kindOfChannelType(channel?.type ?? 0);
  const source = channelKind === "thread" ? channels.get(channel?.parentId ?? 0n) : channel;
  if (source === undefined) return { base, word: 0n };
  const { overwrites } = source;
  return { base, word: channelPermissions({ base, guildId, userId, roleIds, overwrites, channelKind }) };
}

const roleId = fc.constantFrom(guildId, 2n, 3n, 4n, 5n);
const userId = fc.constantFrom(owner, 101n, 102n, 103n, 104n);
const channelId = fc.constantFrom(200n, 201n, 202n, 203n, 204n);
const bits = fc
  .subarray([VIEW_CHANNEL, SEND_MESSAGES, Permission.MENTION_EVERYONE, Permission.CONNECT, Permission.SPEAK])
  .map((some) => some.reduce((all, bit) => all | bit, 0n));
const rolePermissions = fc.oneof({ weight: 9, arbitrary: bits }, { weight: 1, arbitrary: fc.constant(ADMINISTRATOR) });
const overwrite: fc.Arbitrary<OverwriteShape> = fc.oneof(
  fc.record({ id: roleId, kind: fc.constant("role" as const), allow: bits, deny: bits }),
  fc.record({ id: userId, kind: fc.constant("member" as const), allow: bits, deny: bits }),
);
const channel: fc.Arbitrary<ChannelShape> = fc.record({
  id: channelId,
  type: fc.constantFrom(0, 2, 4, 11),
  parentId: fc.oneof(fc.constant(0n), channelId),
  overwrites: fc.uniqueArray(overwrite, { selector: ({ id, kind }) => `${kind}${id}`, maxLength: 4 }),
});
const change: fc.Arbitrary<ShapeChange> = fc.oneof(
  fc.record({ kind: fc.constant("role-put" as const), role: fc.record({ id: roleId, permissions: rolePermissions }) }),
  fc.record({ kind: fc.constant("role-delete" as const), id: roleId }),
  fc.record({ kind: fc.constant("channel-put" as const), channel }),
  fc.record({ kind: fc.constant("channel-delete" as const), id: channelId }),
  fc.record({ kind: fc.constant("owner" as const), userId }),
);
const roleIds = fc.uniqueArray(roleId, { maxLength: 4 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("apply" as const), change }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("roles" as const), userId, roleIds }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("untrack" as const), userId }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("look" as const), userId, roleIds }) },
);
const shape: fc.Arbitrary<GuildShape> = fc.record({
  guildId: fc.constant(guildId),
  ownerId: fc.constant(owner),
  roles: fc.uniqueArray(fc.record({ id: roleId, permissions: rolePermissions }), { selector: ({ id }) => id }),
  channels: fc.uniqueArray(channel, { selector: ({ id }) => id }),
});

const everyChannel = [200n, 201n, 202n, 203n, 204n];
const contentsOf = (view: { base: bigint; permissionsIn(id: bigint): bigint }) =>
  [view.base, ...everyChannel.map((id) => view.permissionsIn(id))].join();

describe("views under random changes", () => {
  test("are what permissions say, change when they are said to, and are shared when equal", () => {
    fc.assert(
      fc.property(shape, fc.array(step, { maxLength: 25 }), (initial, steps) => {
        const visibility = makeVisibility(initial);
        const tracked = new Map<bigint, readonly bigint[]>();
        for (const each of steps) {
          const before = new Map([...tracked.keys()].map((id) => [id, visibility.viewOfTracked(id)]));
          const contentsBefore = new Map([...before].map(([id, view]) => [id, view && contentsOf(view)]));
          if (each.do === "apply") {
            const changes = visibility.apply(each.change);
            const told = new Map(changes.map((one) => [one.userId, one]));
            expect(told.size).toBe(changes.length);
            for (const id of tracked.keys()) {
              const after = visibility.viewOfTracked(id);
              const one = told.get(id);
              expect(one !== undefined).toBe(contentsBefore.get(id) !== (after && contentsOf(after)));
              expect(one?.after ?? before.get(id)).toBe(after);
              expect(one?.before ?? after).toBe(before.get(id));
              if (one !== undefined) expect(contentsOf(one.before)).toBe(contentsBefore.get(id));
            }
          } else if (each.do === "roles") {
            const one = visibility.setRoles(each.userId, each.roleIds);
            expect(one?.before ?? before.get(each.userId)).toBe(before.get(each.userId));
            const after = visibility.track(each.userId, each.roleIds);
            if (tracked.has(each.userId)) expect(one === undefined).toBe(after === before.get(each.userId));
            tracked.set(each.userId, each.roleIds);
          } else if (each.do === "untrack") {
            visibility.untrack(each.userId);
            tracked.delete(each.userId);
          } else visibility.viewOf(each);
          checkAll(visibility, tracked);
        }
      }),
      { numRuns: 400 },
    );
  });
});

function checkAll(visibility: Visibility, tracked: ReadonlyMap<bigint, readonly bigint[]>): void {
  const views = new Map<string, unknown>();
  const keys = new Map<string, string>();
  for (const [id, roles] of tracked) {
    const view = visibility.viewOfTracked(id);
    expect(view).toBeDefined();
    if (view === undefined) return;
    expect(visibility.viewOf({ userId: id, roleIds: roles })).toBe(view);
    const { base } = naive(visibility, id, roles, 0n);
    const words = everyChannel.map((channel) => naive(visibility, id, roles, channel).word);
    expect(contentsOf(view)).toBe([base, ...words].join());
    expect(view.visibleChannels()).toEqual(everyChannel.filter((_, index) => words[index] !== 0n));
    const contents = contentsOf(view);
    expect(views.get(contents) ?? view).toBe(view);
    expect(keys.get(view.key) ?? contents).toBe(contents);
    views.set(contents, view);
    keys.set(view.key, contents);
  }
  expect(visibility.viewCount()).toBe(views.size);
}

describe("makeVisibility", () => {
  const everyone = { id: guildId, permissions: VIEW_CHANNEL | SEND_MESSAGES };
  const staff = { id: 2n, permissions: MANAGE_CHANNELS };
  const open = { id: 200n, type: 0, parentId: 0n, overwrites: [] };
  const hidden: ChannelShape = {
    id: 201n,
    type: 0,
    parentId: 0n,
    overwrites: [
      { id: guildId, kind: "role", allow: 0n, deny: VIEW_CHANNEL },
      { id: 2n, kind: "role", allow: VIEW_CHANNEL, deny: 0n },
    ],
  };
  const make = () =>
    makeVisibility({
      guildId,
      ownerId: owner,
      roles: [everyone, staff, { id: 3n, permissions: 0n }],
      channels: [open, hidden],
    });

  test("puts members whose roles differ only in what does not matter in one view", () => {
    const visibility = make();
    expect(visibility.track(101n, [])).toBe(visibility.track(102n, [3n]));
    expect(visibility.viewCount()).toBe(1);
  });

  test("gives the owner everything, also in hidden channels", () => {
    const view = make().track(owner, []);
    expect(view.permissionsIn(201n)).toBe(allPermissions);
  });

  test("says what a role gains and loses a member", () => {
    const visibility = make();
    visibility.track(101n, []);
    const got = visibility.setRoles(101n, [2n]);
    expect(got && gained(got.before, got.after)).toEqual([201n]);
    expect(got && lost(got.before, got.after)).toEqual([]);
    const gone = visibility.setRoles(101n, []);
    expect(gone && lost(gone.before, gone.after)).toEqual([201n]);
    expect(visibility.setRoles(999n, [2n])).toBeUndefined();
  });

  test("tells nobody of a channel that none of the tracked can see, and keeps their views", () => {
    const visibility = make();
    const view = visibility.track(101n, []);
    expect(visibility.apply({ kind: "channel-put", channel: { ...hidden, id: 202n } })).toEqual([]);
    expect(visibility.viewOfTracked(101n)).toBe(view);
  });

  test("lets a view before a deletion see the channel still", () => {
    const visibility = make();
    visibility.track(101n, []);
    const [one] = visibility.apply({ kind: "channel-delete", id: 200n });
    expect(one?.before.visibleChannels()).toEqual([200n]);
    expect(one && lost(one.before, one.after)).toEqual([200n]);
  });

  test("shows a thread to those who see its parent, and a category by its own overwrites alone", () => {
    const visibility = make();
    const [view] = [visibility.track(101n, [])];
    expect(view.canSee(203n)).toBe(false);
    const thread = { id: 203n, type: 11, parentId: 200n, overwrites: [] };
    const [shown] = visibility.apply({ kind: "channel-put", channel: thread });
    expect(shown && gained(shown.before, shown.after)).toEqual([203n]);
    visibility.apply({ kind: "channel-put", channel: { ...hidden, id: 204n, type: 4 } });
    const [inside] = visibility.apply({ kind: "channel-put", channel: { ...open, id: 205n, parentId: 204n } });
    expect(inside && gained(inside.before, inside.after)).toEqual([205n]);
    const [closed] = visibility.apply({ kind: "channel-put", channel: { ...hidden, id: 200n } });
    expect(closed && lost(closed.before, closed.after)).toEqual([200n, 203n]);
  });

  test("keeps views the same objects while hundreds of channels come and go", () => {
    const visibility = make();
    visibility.track(101n, []);
    visibility.track(102n, [2n]);
    const before = [visibility.viewOfTracked(101n)?.key, visibility.viewOfTracked(102n)?.key];
    for (let id = 1000n; id < 1500n; id++) {
      visibility.apply({ kind: "channel-put", channel: { ...open, id } });
      expect(visibility.apply({ kind: "channel-delete", id })).toHaveLength(2);
    }
    expect([visibility.viewOfTracked(101n)?.key, visibility.viewOfTracked(102n)?.key]).toEqual(before);
    expect(visibility.viewOfTracked(102n)?.canSee(201n)).toBe(true);
    expect(visibility.viewOfTracked(101n)?.visibleChannels()).toEqual([200n]);
    const views = [visibility.viewOfTracked(101n), visibility.viewOfTracked(102n)];
    const unseen = { ...hidden, id: 2000n, overwrites: hidden.overwrites.slice(0, 1) };
    expect(visibility.apply({ kind: "channel-put", channel: unseen })).toEqual([]);
    expect(visibility.viewOfTracked(101n)).toBe(views[0]);
    expect(visibility.viewOfTracked(102n)).toBe(views[1]);
  });

  test("keeps no view that no tracked member has any more", () => {
    const visibility = make();
    const first = visibility.track(101n, []);
    visibility.apply({ kind: "channel-put", channel: { ...hidden, id: 200n } });
    visibility.apply({ kind: "channel-put", channel: open });
    const again = visibility.viewOfTracked(101n);
    expect(again?.key).toBe(first.key);
    expect(again === first).toBe(false);
  });

  test("forgets members who are no longer tracked", () => {
    const visibility = make();
    visibility.track(101n, []);
    visibility.untrack(101n);
    visibility.untrack(101n);
    expect(visibility.viewOfTracked(101n)).toBeUndefined();
    expect(visibility.viewCount()).toBe(0);
    expect(visibility.apply({ kind: "role-put", role: { id: guildId, permissions: 0n } })).toEqual([]);
  });
});

test("a tracked member's roles are those that it was last given", () => {
  const visibility = makeVisibility({ guildId: 1n, ownerId: 2n, roles: [{ id: 1n, permissions: 0n }], channels: [] });
  expect(visibility.rolesOfTracked(3n)).toBeUndefined();
  visibility.track(3n, [4n]);
  expect(visibility.rolesOfTracked(3n)).toEqual([4n]);
  visibility.setRoles(3n, [4n, 5n]);
  expect(visibility.rolesOfTracked(3n)).toEqual([4n, 5n]);
  visibility.untrack(3n);
  expect(visibility.rolesOfTracked(3n)).toBeUndefined();
});
