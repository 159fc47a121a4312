import type { Rest } from "@guildhall/e2e";
import {
  type BotMaker,
  type Compression,
  type Community as Guild,
  join,
  makeCommunity,
  type Person,
  register,
} from "@guildhall/e2e";
import { LibrarySession } from "./library-session.ts";

/** A guild under load: who posts where, and a channel that only its owner and its bot see. */
export interface BusyGuild {
  readonly guild: Guild;
  readonly senders: readonly Person[];
  /** Seen by everybody in it. */
  readonly openChannelId: string;
  readonly hiddenChannelId: string;
}

/** A session, and the channels of which it is to be shown everything. */
export interface Listener {
  readonly session: LibrarySession;
  readonly channelIds: readonly string[];
}

/** Everybody who is there. */
export interface Community {
  readonly guilds: readonly BusyGuild[];
  readonly listeners: readonly Listener[];
}

const sendersOfGuild = 2;
const guildsOfPerson = 2;
const botEvery = 5;
const viewChannel = 1n << 10n;
const guildIntents = (1 << 0) | (1 << 9) | (1 << 15);
const encodings: readonly (Compression | undefined)[] = [undefined, "zlib-stream", "zstd-stream"];
const startsAtOnce = 16;

/** Fills a fleet: guilds with people and bots, and so many sessions of theirs in all encodings. */
export async function gather(options: {
  readonly rest: Rest;
  readonly bots: BotMaker;
  readonly gateway: string;
  readonly guilds: number;
  readonly sessions: number;
}): Promise<Community> {
  const { rest, bots, gateway, sessions } = options;
  const owner = await register(rest, "owner");
  const people = await Promise.all(Array.from({ length: options.guilds * 4 }, () => register(rest, "listener")));
  const guilds: BusyGuild[] = [];
  for (let at = 0; at < options.guilds; at++) guilds.push(await makeBusyGuild(rest, owner));
  const guildsOf = (at: number): BusyGuild[] =>
    Array.from({ length: guildsOfPerson }, (_, place) => guilds[(at + place * 3) % guilds.length] as BusyGuild);
  for (const [at, person] of people.entries()) for (const { guild } of new Set(guildsOf(at))) await join(guild, person);
  const made = await Promise.all(guilds.map(({ guild }) => bots.make(guild.owner)));
  for (const [at, bot] of made.entries()) await bots.add(bot, (guilds[at] as BusyGuild).guild, 8n);
  const hidden = new Set(guilds.map(({ hiddenChannelId }) => hiddenChannelId));
  const listeners = Array.from({ length: sessions }, (_, at): Listener => {
    const compress = encodings[at % encodings.length];
    const common = { name: `session ${at} (${compress ?? "plain"})`, url: gateway, compress };
    if (at % botEvery === 0) {
      const place = (at / botEvery) % guilds.length;
      const { openChannelId, hiddenChannelId } = guilds[place] as BusyGuild;
      const token = made[place]?.token ?? "";
      const bot = { ...common, token, intents: guildIntents, hidden: new Set<string>() };
      return { session: new LibrarySession(bot), channelIds: [openChannelId, hiddenChannelId] };
    }
    const place = at % people.length;
    const token = people[place]?.token ?? "";
    const channelIds = [...new Set(guildsOf(place))].map(({ openChannelId }) => openChannelId);
    return { session: new LibrarySession({ ...common, token, hidden }), channelIds };
  });
  for (let from = 0; from < listeners.length; from += startsAtOnce) {
    await Promise.all(listeners.slice(from, from + startsAtOnce).map(({ session }) => session.start()));
  }
  return { guilds, listeners };
}

async function makeBusyGuild(rest: Rest, owner: Person): Promise<BusyGuild> {
  const guild = await makeCommunity(owner);
  const senders = await Promise.all(Array.from({ length: sendersOfGuild }, () => register(rest, "sender")));
  for (const sender of senders) await join(guild, sender);
  const overwrites = [{ id: guild.id, type: 0, allow: "0", deny: String(viewChannel) }];
  const hidden = await owner.rest.post<{ id: string }>(`/guilds/${guild.id}/channels`, {
    name: "hidden",
    permission_overwrites: overwrites,
  });
  return { guild, senders, openChannelId: guild.channelId, hiddenChannelId: hidden.id };
}
