import gateway from "../data/gateway.json" with { type: "json" };

/** The intents by name, each a bit of IDENTIFY's `intents`. */
export const intentBits = {
  GUILDS: 1 << 0,
  GUILD_MEMBERS: 1 << 1,
  GUILD_MODERATION: 1 << 2,
  GUILD_EXPRESSIONS: 1 << 3,
  GUILD_INTEGRATIONS: 1 << 4,
  GUILD_WEBHOOKS: 1 << 5,
  GUILD_INVITES: 1 << 6,
  GUILD_VOICE_STATES: 1 << 7,
  GUILD_PRESENCES: 1 << 8,
  GUILD_MESSAGES: 1 << 9,
  GUILD_MESSAGE_REACTIONS: 1 << 10,
  GUILD_MESSAGE_TYPING: 1 << 11,
  DIRECT_MESSAGES: 1 << 12,
  DIRECT_MESSAGE_REACTIONS: 1 << 13,
  DIRECT_MESSAGE_TYPING: 1 << 14,
  MESSAGE_CONTENT: 1 << 15,
  GUILD_SCHEDULED_EVENTS: 1 << 16,
  AUTO_MODERATION_CONFIGURATION: 1 << 20,
  AUTO_MODERATION_EXECUTION: 1 << 21,
  GUILD_MESSAGE_POLLS: 1 << 24,
  DIRECT_MESSAGE_POLLS: 1 << 25,
} as const;

/** A name of `intentBits`. */
export type IntentName = keyof typeof intentBits;

/** Where an event comes from: a guild, or a direct or group direct message channel. */
export type IntentScope = "guild" | "direct";

const bits: Readonly<Record<string, number>> = intentBits;

/** The intents an application may ask for; any other bit closes with 4013. */
export const validIntentsMask = Object.values(intentBits).reduce<number>((mask, bit) => mask | bit, 0);

/** The intents that must be granted to the application first; else the connection closes with 4014. */
export const privilegedIntents = maskOf(gateway.intents.filter(({ privileged }) => privileged).map(({ name }) => name));

const masks = new Map(gateway.events.map(({ name }) => [name, masksOf(name)]));

/**
 * The intents of which a session needs at least one to get an event of this type; 0 when it needs none, as for types not
 * known here. Message, reaction, typing, poll and pin events have other intents in guilds than in direct channels.
 */
export function intentsOfEvent(type: string, scope: IntentScope = "guild"): number {
  return masks.get(type)?.[scope] ?? 0;
}

function masksOf(type: string): Readonly<Record<IntentScope, number>> {
  const names = gateway.intents.filter(({ events }) => events.includes(type)).map(({ name }) => name);
  const direct = names.filter((name) => name.startsWith("DIRECT_"));
  const guild = names.filter((name) => !name.startsWith("DIRECT_"));
  return { guild: maskOf(guild), direct: maskOf(direct.length > 0 ? direct : guild) };
}

function maskOf(names: readonly string[]): number {
  return names.reduce((mask, name) => mask | (bits[name] ?? 0), 0);
}
