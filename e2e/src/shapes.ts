/** Which keys an object has: required ones, optional ones, and what lies below some of them (in arrays: in each item). */
interface Shape {
  readonly required: ReadonlySet<string>;
  readonly optional: ReadonlySet<string>;
  readonly inner: Readonly<Record<string, Shape>>;
}

/** `text` names the keys; one that ends with ? may be absent. */
function keys(text: string, inner: Readonly<Record<string, Shape>> = {}): Shape {
  const names = text.split(/\s+/).filter((name) => name !== "");
  return {
    required: new Set(names.filter((name) => !name.endsWith("?"))),
    optional: new Set(names.filter((name) => name.endsWith("?")).map((name) => name.slice(0, -1))),
    inner,
  };
}

function both(a: Shape, b: Shape): Shape {
  return {
    required: a.required.union(b.required),
    optional: a.optional.union(b.optional),
    inner: { ...a.inner, ...b.inner },
  };
}

const user = keys(
  "id username global_name avatar discriminator public_flags flags banner accent_color avatar_decoration_data bot?",
);
const memberOnly = keys(
  "roles joined_at nick avatar banner premium_since deaf mute pending flags communication_disabled_until",
);
const member = both(memberOnly, keys("user", { user }));
const guildMember = both(member, keys("guild_id"));
const role = keys(
  "id name description color colors hoist icon unicode_emoji position permissions managed mentionable flags tags?",
  { colors: keys("primary_color secondary_color tertiary_color") },
);
const overwrite = keys("id type allow deny");
const channelInGuild = keys(
  `id type name position permission_overwrites parent_id nsfw flags topic? last_message_id? last_pin_timestamp?
   rate_limit_per_user? bitrate? user_limit? rtc_region?`,
  { permission_overwrites: overwrite },
);
const channel = both(channelInGuild, keys("guild_id"));
const emoji = keys("id name");
const message: Shape = keys(
  `id type content embeds attachments components mentions mention_roles mention_everyone timestamp edited_timestamp flags
   channel_id author pinned tts nonce? message_reference? referenced_message? reactions?`,
  {
    author: user,
    mentions: both(user, keys("member?", { member: memberOnly })),
    message_reference: keys("type message_id channel_id guild_id"),
    reactions: keys("emoji count count_details burst_colors me me_burst burst_me? burst_count?", { emoji }),
  },
);
const messageEvent = both(message, keys("guild_id member channel_type", { member: memberOnly }));
const guild = keys(
  `id name icon splash discovery_splash banner description owner_id region afk_channel_id afk_timeout widget_enabled
   widget_channel_id verification_level default_message_notifications explicit_content_filter roles emojis stickers
   features mfa_level application_id system_channel_id system_channel_flags rules_channel_id max_presences max_members
   vanity_url_code premium_tier premium_subscription_count preferred_locale public_updates_channel_id
   max_video_channel_users max_stage_video_channel_users nsfw nsfw_level premium_progress_bar_enabled
   safety_alerts_channel_id incidents_data approximate_member_count? approximate_presence_count?`,
  { roles: role },
);
const invite = keys(
  `type code guild_id guild channel inviter expires_at flags uses? max_uses? max_age? temporary? created_at? new_member?
   approximate_member_count? approximate_presence_count?`,
  { inviter: user, channel: keys("id type name") },
);

/** The objects of the API, as REST answers with them. */
export const objectShapes = { user, member, role, channel, message, guild, invite } as const;

/** `d` of the events, exactly. */
const eventShapes: Readonly<Record<string, Shape>> = {
  READY: keys(
    `v user guilds session_id resume_gateway_url private_channels shard _trace session_type application?
     user_settings relationships presences read_state user_guild_settings notes sessions connected_accounts
     guild_join_requests geo_ordered_rtc_regions auth`,
  ),
  RESUMED: keys("_trace"),
  GUILD_CREATE: both(
    guild,
    keys(
      `joined_at large unavailable member_count voice_states members channels threads presences stage_instances
       guild_scheduled_events soundboard_sounds`,
      { members: member, channels: channelInGuild },
    ),
  ),
  GUILD_UPDATE: guild,
  GUILD_AUDIT_LOG_ENTRY_CREATE: keys("id action_type user_id target_id changes reason? guild_id"),
  GUILD_DELETE: keys("id"),
  GUILD_ROLE_CREATE: keys("guild_id role", { role }),
  GUILD_ROLE_UPDATE: keys("guild_id role", { role }),
  GUILD_ROLE_DELETE: keys("guild_id role_id"),
  GUILD_MEMBER_ADD: guildMember,
  GUILD_MEMBER_UPDATE: guildMember,
  GUILD_MEMBER_REMOVE: keys("guild_id user", { user }),
  CHANNEL_CREATE: channel,
  CHANNEL_UPDATE: channel,
  CHANNEL_DELETE: channel,
  INVITE_CREATE: keys(
    "channel_id code guild_id inviter expires_at type flags uses max_uses max_age temporary created_at",
    { inviter: user },
  ),
  INVITE_DELETE: keys("channel_id guild_id code"),
  MESSAGE_CREATE: messageEvent,
  MESSAGE_UPDATE: messageEvent,
  MESSAGE_DELETE: keys("id channel_id guild_id"),
  MESSAGE_REACTION_ADD: keys("user_id channel_id message_id guild_id member emoji message_author_id burst type", {
    member,
    emoji,
  }),
  MESSAGE_REACTION_REMOVE: keys("user_id channel_id message_id guild_id emoji burst type", { emoji }),
  TYPING_START: keys("channel_id guild_id user_id timestamp member", { member }),
};

/** What is wrong with the keys of an event's `d`. Empty when nothing is; an unknown event is wrong. */
export function eventProblems(type: string, data: unknown): string[] {
  const shape = eventShapes[type];
  return shape === undefined ? [`${type}: not an event that this server sends`] : problemsAt(type, shape, data);
}

/** What is wrong with the keys of an object that REST answered with. */
export function objectProblems(kind: keyof typeof objectShapes, value: unknown): string[] {
  return problemsAt(kind, objectShapes[kind], value);
}

function problemsAt(place: string, shape: Shape, value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((item, at) => problemsAt(`${place}[${at}]`, shape, item));
  if (typeof value !== "object" || value === null) return [`${place}: not an object`];
  const problems: string[] = [];
  const present = new Set(Object.keys(value));
  for (const key of shape.required) if (!present.has(key)) problems.push(`${place}: without ${key}`);
  for (const key of present) {
    if (!shape.required.has(key) && !shape.optional.has(key)) problems.push(`${place}: unexpected ${key}`);
  }
  for (const [key, inner] of Object.entries(shape.inner)) {
    const below = (value as Record<string, unknown>)[key];
    if (below !== undefined && below !== null) problems.push(...problemsAt(`${place}.${key}`, inner, below));
  }
  return problems;
}
