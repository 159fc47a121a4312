import type { Account, Profile } from "@guildhall/proto";
import type { APIUser } from "discord-api-types/v10";

/** A user object, as others see the account. */
export function userObject({ id, username, globalName, avatar, bot, publicFlags }: Profile) {
  return {
    id: String(id),
    username,
    discriminator: "0",
    global_name: globalName || null,
    avatar: avatar || null,
    banner: null,
    accent_color: null,
    public_flags: Number(publicFlags),
    ...(bot && { bot }),
  } satisfies APIUser;
}

/** The user object that only the account itself is shown. */
export function ownUserObject(account: Account, profile: Profile) {
  return {
    ...userObject(profile),
    flags: Number(profile.publicFlags),
    bot: profile.bot,
    mfa_enabled: account.mfaEnabled,
    locale: account.locale || "en-US",
    verified: profile.bot || account.verified,
    email: account.email || null,
    premium_type: 0,
  } satisfies APIUser;
}
