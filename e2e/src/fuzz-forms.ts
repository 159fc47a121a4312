import type { APIMessage, APIRole } from "discord-api-types/v10";
import fc from "fast-check";
import type { Stage } from "./stage.ts";

/** A request whose body is right. */
export interface Form {
  readonly method: string;
  readonly path: string;
  readonly body: object;
}

/** One right form of every route that takes one, on the stage's guild. */
export async function makeForms({ owner, member, guild, channel, post }: Stage): Promise<readonly Form[]> {
  const { id: channelId } = await channel({ name: "a-target" });
  const role = await owner.rest.post<APIRole>(`/guilds/${guild.id}/roles`, { name: "a target" });
  const message = await post("a target", channelId);
  const overwrite = { id: guild.id, type: 0, allow: "0", deny: "1024" };
  const channelForm = {
    ...{ name: "a-name", type: 0, topic: "a topic", parent_id: null, nsfw: false, rate_limit_per_user: 0 },
    ...{ bitrate: 64_000, user_limit: 0, position: 3, permission_overwrites: [overwrite] },
  };
  const roleForm = {
    name: "r",
    permissions: "8",
    color: 1,
    colors: { primary_color: 1 },
    hoist: true,
    mentionable: true,
  };
  return [
    form("POST", "/auth/register", {
      ...{ username: "fuzzed_somebody", global_name: "F", email: "f@example.org", password: "long enough" },
      ...{ invite: guild.invite, consent: true },
    }),
    form("POST", "/auth/login", { login: member.name, password: member.password }),
    form("POST", "/guilds", { name: "another", icon: null, channels: [], roles: [] }),
    form("PATCH", `/guilds/${guild.id}`, {
      ...{ name: "renamed", description: "text", verification_level: 1, default_message_notifications: 1 },
      ...{ explicit_content_filter: 1, afk_channel_id: null, afk_timeout: 300, system_channel_id: channelId },
      ...{ system_channel_flags: 1, preferred_locale: "de", features: [] },
    }),
    form("POST", `/guilds/${guild.id}/channels`, channelForm),
    form("PATCH", `/channels/${channelId}`, channelForm),
    form("PUT", `/channels/${channelId}/permissions/${member.id}`, { type: 1, allow: "1024", deny: "2048" }),
    form("POST", `/guilds/${guild.id}/roles`, roleForm),
    form("PATCH", `/guilds/${guild.id}/roles/${role.id}`, roleForm),
    form("POST", `/channels/${channelId}/invites`, { max_age: 60, max_uses: 1, temporary: false, unique: true }),
    form("POST", `/channels/${channelId}/messages`, messageForm(member.id, message)),
    form("PATCH", `/channels/${channelId}/messages/${message.id}`, { content: "edited", embeds: [embed], flags: 4 }),
  ];
}

function form(method: string, path: string, body: object): Form {
  return { method, path, body };
}

const embed = {
  title: "a title",
  description: "text",
  url: "https://example.org",
  timestamp: "2024-05-06T07:08:09.000Z",
  color: 255,
  footer: { text: "below" },
  author: { name: "somebody" },
  fields: [{ name: "n", value: "v", inline: true }],
};

function messageForm(mentioned: string, { id }: APIMessage): object {
  return {
    content: `<@${mentioned}>`,
    nonce: "a nonce",
    enforce_nonce: false,
    tts: false,
    embeds: [embed],
    allowed_mentions: { parse: ["roles"], users: [mentioned], replied_user: true },
    message_reference: { message_id: id, fail_if_not_exists: true },
    flags: 4,
  };
}

/** A value that has no business where it is put. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(null, true, false, [], {}, [null], [[]], [{}], { id: {} }, { length: 3 }),
  fc.constantFrom(-1, 0, 0.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308),
  fc.constantFrom("", " ", "0", "-1", "1e9", "NaN", "null", "\u0000", "\ud800", "@everyone", "2".repeat(30)),
  fc.constantFrom("x".repeat(5_000), "\u202e\u200b", "' OR 1=1; --", "<@&1><@1>".repeat(100), "toString", "__proto__"),
);

/** A right body with one thing in it, however deep, replaced by an odd value or taken away. */
export function spoiled(body: object): fc.Arbitrary<unknown> {
  const places = placesIn(body);
  const place = fc.constantFrom(...places);
  return fc.oneof(
    { weight: 8, arbitrary: fc.tuple(place, oddValue).map(([at, value]) => replaced(body, at, () => value)) },
    { weight: 1, arbitrary: place.map((at) => replaced(body, at, () => undefined)) },
    { weight: 1, arbitrary: place.map((at) => replaced(body, at, (value) => Array(1_100).fill(value))) },
    { weight: 1, arbitrary: oddValue },
  );
}

type Place = readonly (string | number)[];

function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [at];
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  const below = [...keys].flatMap((key) => placesIn((value as Record<string | number, unknown>)[key], [...at, key]));
  return at.length === 0 ? below : [at, ...below];
}

function replaced(value: unknown, [key, ...rest]: Place, change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(value);
  const copy: Record<string | number, unknown> = Object.assign(Array.isArray(value) ? [] : {}, value);
  copy[key] = replaced(copy[key], rest, change);
  return copy;
}
