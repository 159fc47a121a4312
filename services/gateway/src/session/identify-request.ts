import type { Account } from "@guildhall/proto";
import { type CloseCode, closeCode, intentBits, validIntentsMask } from "@guildhall/protocol";
import type { Profile } from "../domain/profile.ts";

/** What IDENTIFY asked for, of the right form. */
export interface IdentifyRequest {
  readonly token: string;
  /** As it came; undefined = absent. */
  readonly intents: unknown;
  readonly shard: readonly [number, number] | "invalid" | undefined;
  readonly largeThreshold: number;
}

/** Application flags by which privileged intents are granted (the second of each: to bots in few guilds). */
const grants = [
  { intent: intentBits.GUILD_PRESENCES, flags: (1n << 12n) | (1n << 13n) },
  { intent: intentBits.GUILD_MEMBERS, flags: (1n << 14n) | (1n << 15n) },
  { intent: intentBits.MESSAGE_CONTENT, flags: (1n << 18n) | (1n << 19n) },
] as const;

const defaultLargeThreshold = 50;
const maxLargeThreshold = 250;

/** Reads `d`; undefined when it is of the wrong form. Fields that no session depends on may hold anything. */
export function readIdentify(d: unknown): IdentifyRequest | undefined {
  if (typeof d !== "object" || d === null || Array.isArray(d)) return undefined;
  const { token, intents, shard, large_threshold: threshold } = d as Record<string, unknown>;
  if (typeof token !== "string") return undefined;
  return {
    token,
    intents,
    shard: readShard(shard),
    largeThreshold:
      typeof threshold === "number" ? Math.min(Math.max(threshold, 1), maxLargeThreshold) : defaultLargeThreshold,
  };
}

function readShard(shard: unknown): IdentifyRequest["shard"] {
  if (shard === undefined || shard === null) return undefined;
  if (!Array.isArray(shard) || shard.length !== 2) return "invalid";
  const [id, count] = shard as readonly unknown[];
  if (!Number.isSafeInteger(id) || !Number.isSafeInteger(count)) return "invalid";
  const [shardId, shardCount] = [id as number, count as number];
  return shardCount >= 1 && shardId >= 0 && shardId < shardCount ? [shardId, shardCount] : "invalid";
}

/** What a session of this account is like, or with which code it is refused. `version` is the connection's. */
export function admit(
  { intents, shard }: IdentifyRequest,
  account: Account,
  version: number,
): { readonly profile: Profile; readonly shard: readonly [number, number] } | CloseCode {
  if (shard === "invalid") return closeCode.INVALID_SHARD;
  const ownShard = shard ?? [0, 1];
  if (account.profile?.bot !== true) {
    return { profile: { isBot: false, intents: -1, seesContent: true }, shard: ownShard };
  }
  if (typeof intents !== "number" || !Number.isInteger(intents) || intents < 0) return closeCode.INVALID_INTENTS;
  if (intents > validIntentsMask || (intents & ~validIntentsMask) !== 0) return closeCode.INVALID_INTENTS;
  for (const { intent, flags } of grants) {
    if ((intents & intent) !== 0 && (account.applicationFlags & flags) === 0n) return closeCode.DISALLOWED_INTENTS;
  }
  return { profile: { isBot: true, intents, seesContent: seesContent(intents, account, version) }, shard: ownShard };
}

/** Up to version 9 message content needs no intent, only the grant. */
function seesContent(intents: number, { applicationFlags }: Account, version: number): boolean {
  if ((intents & intentBits.MESSAGE_CONTENT) !== 0) return true;
  const grant = grants.find(({ intent }) => intent === intentBits.MESSAGE_CONTENT);
  return version < 10 && grant !== undefined && (applicationFlags & grant.flags) !== 0n;
}

/** From how many members on GUILD_CREATE leaves members out; 0 = it holds none but the own one. */
export function largeThresholdOf({ largeThreshold }: IdentifyRequest, { isBot, intents }: Profile): number {
  return isBot && (intents & intentBits.GUILD_PRESENCES) !== 0 ? largeThreshold : 0;
}

/** Most guilds of one client shard. */
export const maxGuildsPerShard = 2_500;
