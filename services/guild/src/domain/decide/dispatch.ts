import { Permission } from "@guildhall/permissions";
import type { Audience, Dispatch } from "@guildhall/proto";
import { intentsOfEvent } from "@guildhall/protocol";
import { bytesOf, noBytes } from "../model/bytes.ts";

type Extras = Partial<Omit<Dispatch, "type" | "audience" | "intents" | "data">>;

const intentsOf = new Map<string, bigint>();

/** One dispatch; the intents follow from the type. */
export function dispatchOf(type: string, audience: Audience, data: string | Buffer, extras: Extras = {}): Dispatch {
  let intents = intentsOf.get(type);
  if (intents === undefined) {
    intents = BigInt(intentsOfEvent(type));
    intentsOf.set(type, intents);
  }
  return {
    type,
    audience,
    intents,
    data: typeof data === "string" ? bytesOf(data) : data,
    gatedData: extras.gatedData ?? noBytes,
    ungatedUsers: extras.ungatedUsers ?? [],
    halfGatedData: extras.halfGatedData ?? noBytes,
    halfGatedUsers: extras.halfGatedUsers ?? [],
    intentExemptUsers: extras.intentExemptUsers ?? [],
    content: extras.content ?? false,
  };
}

/** Every session of the topic. */
export const everyone: Audience = { of: { $case: "everyone", value: {} } };

/** Some people's sessions. */
export function users(...ids: bigint[]): Audience {
  return { of: { $case: "users", value: { ids } } };
}

/** Who has a permission (VIEW_CHANNEL when absent) in a channel. */
export function inChannel(channelId: bigint, permission: bigint = Permission.VIEW_CHANNEL): Audience {
  return { of: { $case: "channel", value: { channelId, permission } } };
}

/** Who has a permission in the guild. */
export function inGuild(permission: bigint): Audience {
  return { of: { $case: "guildPermission", value: permission } };
}

/** Who sees the channel now and did not before. */
export function gainers(channelId: bigint): Audience {
  return { of: { $case: "gainedChannel", value: channelId } };
}

/** Who saw the channel before and does not now. */
export function losers(channelId: bigint): Audience {
  return { of: { $case: "lostChannel", value: channelId } };
}
