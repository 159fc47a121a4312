import type { Account } from "@guildhall/proto";
import { ownPiece } from "../dispatch/render.ts";
import type { Segment } from "../domain/body.ts";
import type { Session } from "../domain/session.ts";

/** A guild in READY: its object in pieces (people), or absent while it is not available. */
export interface ReadyGuild {
  readonly id: bigint;
  readonly pieces: readonly Segment[] | undefined;
}

/** What READY is made of. */
export interface ReadyParts {
  readonly session: Session;
  readonly account: Account;
  readonly version: number;
  readonly resumeUrl: string;
  readonly guilds: readonly ReadyGuild[];
  /** This process, for `_trace`. */
  readonly name: string;
}

/**
 * The pieces of READY's `d`: what the documentation names, and what libraries read besides (`private_channels`,
 * `application`), so that each finds what it cannot do without.
 */
export function readyPieces({ session, account, version, resumeUrl, guilds, name }: ReadyParts): Segment[] {
  const { isBot } = session.profile;
  const head = {
    v: version,
    user: userOf(account),
    user_settings: {},
    session_type: "normal",
    session_id: session.id,
    resume_gateway_url: resumeUrl,
    relationships: [],
    private_channels: [],
    presences: [],
    read_state: [],
    user_guild_settings: [],
    notes: {},
    sessions: [],
    connected_accounts: [],
    guild_join_requests: [],
    geo_ordered_rtc_regions: [],
    auth: {},
    shard: [session.shardId, session.shardCount],
    ...(isBot && {
      application: { id: String(account.applicationId), flags: Number(account.applicationFlags) },
    }),
    _trace: [JSON.stringify([name, {}])],
  };
  const pieces = [ownPiece(`${JSON.stringify(head).slice(0, -1)},"guilds":[`)];
  guilds.forEach(({ id, pieces: own }, place) => {
    if (place > 0) pieces.push(ownPiece(","));
    if (own === undefined) pieces.push(ownPiece(unavailableGuild(id)));
    else pieces.push(...own);
  });
  pieces.push(ownPiece("]}"));
  return pieces;
}

/** A guild that cannot be had now. */
export function unavailableGuild(id: bigint): string {
  return `{"id":"${id}","unavailable":true}`;
}

function userOf({ profile, email, locale, mfaEnabled, verified }: Account) {
  return {
    id: String(profile?.id ?? 0n),
    username: profile?.username ?? "",
    global_name: profile?.globalName || null,
    discriminator: "0",
    avatar: profile?.avatar || null,
    avatar_decoration_data: null,
    banner: null,
    accent_color: null,
    bot: profile?.bot ?? false,
    mfa_enabled: mfaEnabled,
    verified,
    email: email || null,
    locale: locale || "en-US",
    flags: Number(profile?.publicFlags ?? 0n),
    public_flags: Number(profile?.publicFlags ?? 0n),
    premium_type: 0,
    primary_guild: null,
    clan: null,
  };
}
