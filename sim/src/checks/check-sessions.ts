import type { JournalView } from "./check-journal.ts";
import type { FoldedGuilds } from "./check-reads.ts";
import type { DispatchEvidence, Evidence, SessionEvidence } from "./evidence.ts";
import type { FoldedGuild, Since } from "./folded-guild.ts";

/** A dispatch that one record of the journal led to. */
interface Known {
  readonly dispatch: DispatchEvidence;
  readonly seq: bigint;
  readonly channelId: bigint;
}

/** From the moment in which a guild was shown to a session to the one in which it was taken away. */
interface Stay {
  readonly guildId: bigint;
  readonly fromMs: number;
  /** Undefined: it lasts. */
  untilMs: number | undefined;
  readonly known: Known[];
  /** Whether the channels that the session was told of hold this one. */
  readonly channels: Set<string>;
}

/**
 * `contiguous`: every session's `s` counts up by one, resumes included. `session order`: of each guild a session is sent
 * what the journal has, in its order, nothing twice. `leak`: nothing that its person may not see at that place. `missed`:
 * all that the person may see from the guild's arrival on, as an uninterrupted session would have had. `view`: in the end
 * it knows of the channels that the person sees. `kept`: whoever comes back in time goes on with their session.
 */
export function checkSessions(view: JournalView, guilds: FoldedGuilds, evidence: Evidence): void {
  for (const session of evidence.sessions) {
    checkContiguous(session, evidence);
    checkKept(session, evidence);
    for (const stay of staysOf(session, guilds)) {
      const guild = guilds.get(stay.guildId);
      if (guild === undefined) continue;
      checkOrder(session, stay, evidence);
      const whole = { guild, records: view.topics.get(stay.guildId) ?? [] };
      checkLeaks(session, stay, whole, evidence);
      checkMissed(session, stay, whole, evidence);
      checkView(session, stay, guild, evidence);
    }
  }
}

function checkContiguous(session: SessionEvidence, evidence: Evidence): void {
  let before = 0;
  for (const { s, t, atMs } of session.dispatches) {
    if (s !== before + 1) {
      evidence.violate("contiguous", `${tell(session)}: ${t} has s ${s} after ${before}, at ${atMs.toFixed(3)} ms`, []);
    }
    before = s;
  }
}

function checkKept(session: SessionEvidence, evidence: Evidence): void {
  const { isRefused, lostMs, dispatches } = session;
  if (!isRefused || lostMs === undefined || evidence.isExempt("kept") || !hasBegun(session)) return;
  const last = dispatches.at(-1);
  evidence.violate("kept", `${tell(session)} was refused when it was resumed at ${lostMs.toFixed(3)} ms`, [
    `its last dispatch was ${last?.t} with s ${last?.s} at ${last?.atMs.toFixed(3)} ms`,
  ]);
}

/** A bot's session begins when all guilds of its READY have come: before that there is nothing to go on with. */
function hasBegun({ isBot, dispatches }: SessionEvidence): boolean {
  const announced = (dispatches[0]?.d.guilds ?? []) as readonly { readonly id: string }[];
  const came = new Set(dispatches.filter(({ t }) => t.startsWith("GUILD_")).map(({ d }) => d.id));
  return !isBot || announced.every(({ id }) => came.has(id));
}

function checkOrder(session: SessionEvidence, { guildId, known }: Stay, evidence: Evidence): void {
  let before: Known | undefined;
  for (const each of known) {
    if (before !== undefined && each.seq <= before.seq) {
      const what = `${tell(session)}: of guild ${guildId} seq ${each.seq} comes after ${before.seq}`;
      evidence.violate("session order", what, [show(before), show(each)]);
    }
    before = each;
  }
}

function checkLeaks(session: SessionEvidence, stay: Stay, { guild, records }: Whole, evidence: Evidence): void {
  for (const each of stay.known) {
    if (canSee(guild, session.userId, each.channelId, each.seq)) continue;
    if (isOfSnapshot(each, stay) && canSee(guild, session.userId, each.channelId, seqAt(records, stay.fromMs))) {
      continue;
    }
    evidence.violate("leak", `${tell(session)} is sent what its person may not see`, [show(each)]);
  }
}

/** What brings a snapshot up to the moment of joining goes by what may be seen then; messages are no part of it. */
function isOfSnapshot({ dispatch: { t, atMs } }: Known, { fromMs }: Stay): boolean {
  return atMs === fromMs && t.startsWith("CHANNEL_");
}

function seqAt(records: Whole["records"], ms: number): bigint {
  return records.findLast(({ atMs }) => atMs <= ms)?.seq ?? 0n;
}

interface Whole {
  readonly guild: FoldedGuild;
  readonly records: readonly { readonly seq: bigint; readonly atMs: number }[];
}

function checkMissed(session: SessionEvidence, stay: Stay, { guild, records }: Whole, evidence: Evidence): void {
  // A session that was given up, or a stay that has ended, may lack what came at its end.
  if (session.lostMs !== undefined || stay.untilMs !== undefined) return;
  const isLast = evidence.sessions.findLast(({ userId }) => userId === session.userId) === session;
  if (!isLast) return;
  const had = new Set(stay.known.map(({ seq }) => seq));
  const after = records.find(({ atMs }) => atMs > stay.fromMs)?.seq;
  if (after === undefined) return;
  for (const { seq, channelId, what } of dispatchesOf(guild)) {
    if (seq < after || had.has(seq) || !canSee(guild, session.userId, channelId, seq)) continue;
    evidence.violate("missed", `${tell(session)} was never sent ${what} of seq ${seq}`, [
      `guild ${stay.guildId}, shown to it at ${stay.fromMs.toFixed(3)} ms`,
    ]);
  }
}

/** What every record that can be told from others sends to those who see its channel. */
function* dispatchesOf(guild: FoldedGuild): Iterable<{ seq: bigint; channelId: bigint; what: string }> {
  for (const { id, channelId, seq, contents, deletedSeq } of guild.messages.values()) {
    yield { seq, channelId, what: `message ${id}` };
    for (const edit of contents.slice(1)) yield { seq: edit.seq, channelId, what: `the edit of message ${id}` };
    if (deletedSeq !== undefined) yield { seq: deletedSeq, channelId, what: `the end of message ${id}` };
  }
  for (const [channelId, names] of guild.names) {
    for (const { seq, value } of names) yield { seq, channelId, what: `the name ${value}` };
  }
}

function checkView(session: SessionEvidence, stay: Stay, guild: FoldedGuild, evidence: Evidence): void {
  const isLast = evidence.sessions.findLast(({ userId }) => userId === session.userId) === session;
  if (!isLast || session.lostMs !== undefined || stay.untilMs !== undefined) return;
  for (const key of guild.hidden.keys()) {
    const [channelId = "", userId = ""] = key.split("/");
    if (userId !== String(session.userId)) continue;
    const should = canSee(guild, session.userId, BigInt(channelId), end);
    if (stay.channels.has(channelId) === should) continue;
    const what = should ? "was not told of" : "still knows of";
    evidence.violate("view", `${tell(session)} ${what} channel ${channelId} in the end`, []);
  }
}

const end = 1n << 62n;

/** Every guild of a session, from each coming to each going. */
function staysOf(session: SessionEvidence, guilds: FoldedGuilds): Stay[] {
  const stays: Stay[] = [];
  const open = new Map<string, Stay>();
  const begin = (guild: GuildObject, atMs: number): void => {
    const channels = new Set((guild.channels ?? []).map(({ id }) => id));
    const stay: Stay = { guildId: BigInt(guild.id), fromMs: atMs, untilMs: undefined, known: [], channels };
    stays.push(stay);
    open.set(guild.id, stay);
  };
  for (const dispatch of session.dispatches) {
    const { t, d, atMs } = dispatch;
    if (t === "READY") {
      for (const guild of (d.guilds ?? []) as GuildObject[]) if (guild.channels !== undefined) begin(guild, atMs);
    } else if (t === "GUILD_CREATE") begin(d as unknown as GuildObject, atMs);
    else if (t === "GUILD_DELETE") {
      const stay = open.get(String(d.id));
      if (stay !== undefined) stay.untilMs = atMs;
      open.delete(String(d.id));
    } else {
      const stay = open.get(String(d.guild_id));
      if (stay === undefined) continue;
      followChannels(stay, t, String(d.id));
      const known = knownOf(dispatch, guilds.get(stay.guildId));
      if (known !== undefined) stay.known.push(known);
    }
  }
  return stays;
}

interface GuildObject {
  readonly id: string;
  readonly channels?: readonly { readonly id: string }[];
}

function followChannels({ channels }: Stay, t: string, id: string): void {
  if (t === "CHANNEL_CREATE" || t === "CHANNEL_UPDATE") channels.add(id);
  else if (t === "CHANNEL_DELETE") channels.delete(id);
}

/** The record that a dispatch comes of, where one can be told from all others. */
function knownOf(dispatch: DispatchEvidence, guild: FoldedGuild | undefined): Known | undefined {
  const { t, d } = dispatch;
  if (guild === undefined) return undefined;
  const id = BigInt(String(d.id ?? 0));
  if (t === "CHANNEL_UPDATE") {
    const named = guild.names.get(id)?.find(({ value }) => value === d.name);
    return named && { dispatch, seq: named.seq, channelId: id };
  }
  const message = guild.messages.get(id);
  if (message === undefined) return undefined;
  const { channelId, seq, contents, deletedSeq } = message;
  if (t === "MESSAGE_CREATE") return { dispatch, seq, channelId };
  if (t === "MESSAGE_DELETE" && deletedSeq !== undefined) return { dispatch, seq: deletedSeq, channelId };
  if (t !== "MESSAGE_UPDATE") return undefined;
  const edit = contents.find(({ value }) => value === d.content);
  return edit && { dispatch, seq: edit.seq, channelId };
}

function canSee(guild: FoldedGuild, userId: bigint, channelId: bigint, seq: bigint): boolean {
  const isMember = at(guild.members.get(userId), seq) ?? false;
  const isHidden = at(guild.hidden.get(`${channelId}/${userId}`), seq) ?? false;
  return isMember && !isHidden;
}

function at<T>(changes: readonly Since<T>[] | undefined, seq: bigint): T | undefined {
  return changes?.findLast((each) => each.seq <= seq)?.value;
}

function tell({ userId, sessionId, isBot }: SessionEvidence): string {
  return `session ${sessionId.slice(0, 12)} of ${isBot ? "bot" : "person"} ${userId}`;
}

function show({ dispatch: { s, t, d, atMs }, seq }: Known): string {
  return `s ${s} at ${atMs.toFixed(3)} ms: ${t} of seq ${seq} ${JSON.stringify(d).slice(0, 160)}`;
}
