import type { DiskRecord } from "../model/journal-disk.ts";
import type { JournalView } from "./check-journal.ts";
import type { CommandEvidence, Evidence, ReadEvidence } from "./evidence.ts";
import { FoldedGuild, valuesBetween } from "./folded-guild.ts";

/** Which seqs of a guild an answer may show: what was acked before it was asked at least, what was durable at its end at most. */
interface Window {
  readonly low: bigint;
  readonly high: bigint;
}

/** The guilds of a run, folded from the journal. */
export type FoldedGuilds = ReadonlyMap<bigint, FoldedGuild>;

/** Folds every guild. */
export function foldGuilds({ topics }: JournalView, commands: ReadonlyMap<bigint, CommandEvidence>): FoldedGuilds {
  return new Map(Array.from(topics, ([topic, records]) => [topic, new FoldedGuild(records, commands)]));
}

/**
 * `reads`: an answer shows the guild as it was at one moment between question and answer. So nothing is shown by
 * permissions that had been taken away before it was asked, and nothing acked before is missing.
 */
export function checkReads(view: JournalView, guilds: FoldedGuilds, evidence: Evidence): void {
  const acks = acksOf(evidence.commands.values());
  for (const read of evidence.reads) {
    const guild = guilds.get(read.guildId);
    const records = view.topics.get(read.guildId);
    if (guild === undefined || records === undefined) continue;
    const window = { low: ackedBefore(acks.get(read.guildId), read.beganMs), high: durableBy(records, read.endedMs) };
    const wrong = read.what.kind === "channel" ? wrongChannel(read, guild, window) : wrongHistory(read, guild, window);
    if (wrong === undefined) continue;
    evidence.violate("reads", `${tell(read)}: ${wrong}`, [
      `may show what was so at some seq of ${window.low} to ${window.high}`,
    ]);
  }
}

function wrongChannel(
  { what, asker, answer }: ReadEvidence,
  guild: FoldedGuild,
  { low, high }: Window,
): string | undefined {
  const { channelId } = what;
  const seen = "json" in answer;
  const couldSee = visibilities(guild, asker, channelId, low, high);
  if (!couldSee.has(seen)) return seen ? "shown to somebody who may not see it" : `kept from somebody who may see it`;
  if (!seen) return undefined;
  const { name } = answer.json as { readonly name?: string };
  const names = valuesBetween<string | undefined>(guild.names.get(channelId), low, high, undefined);
  if (names.includes(name) || (names.includes(undefined) && name !== undefined)) return undefined;
  return `its name is ${name}, and was ${names.join(", ")}`;
}

/** Whether a person could see a channel, in every state of the window. */
function visibilities(guild: FoldedGuild, asker: bigint, channelId: bigint, low: bigint, high: bigint): Set<boolean> {
  const hidden = guild.hidden.get(`${channelId}/${asker}`) ?? [];
  const member = guild.members.get(asker) ?? [];
  const found = new Set<boolean>();
  const seqs = [low, ...[...hidden, ...member].map(({ seq }) => seq).filter((seq) => seq > low && seq <= high)];
  for (const seq of seqs) {
    const isMember = member.findLast((each) => each.seq <= seq)?.value ?? false;
    // Who leaves takes nothing along: an overwrite stays.
    const isHidden = hidden.findLast((each) => each.seq <= seq)?.value ?? false;
    found.add(isMember && !isHidden);
  }
  return found;
}

function wrongHistory({ what, answer }: ReadEvidence, guild: FoldedGuild, { low, high }: Window): string | undefined {
  if (!("json" in answer)) return undefined;
  const page = answer.json as readonly { readonly id: string; readonly content: string; readonly type: number }[];
  const ids = page.map(({ id }) => BigInt(id));
  for (let place = 1; place < ids.length; place++) {
    if ((ids[place] as bigint) >= (ids[place - 1] as bigint)) return `${ids[place]} stands below ${ids[place - 1]}`;
  }
  const shown = new Map(page.map((message) => [BigInt(message.id), message]));
  const oldest = ids.at(-1) ?? 0n;
  for (const message of guild.messages.values()) {
    if (message.channelId !== what.channelId) continue;
    const { id, seq, deletedSeq, contents } = message;
    const found = shown.get(id);
    if (found === undefined) {
      const mustShow =
        seq <= low && (deletedSeq === undefined || deletedSeq > high) && (page.length < 100 || id > oldest);
      if (mustShow) return `message ${id} of seq ${seq} is missing`;
      continue;
    }
    if (seq > high) return `message ${id} of seq ${seq} is shown before it is durable`;
    if (deletedSeq !== undefined && deletedSeq <= low) return `message ${id}, deleted at ${deletedSeq}, is shown`;
    const allowed = valuesBetween(contents, low, high, contents[0]?.value ?? "");
    if (!allowed.includes(found.content)) return `message ${id} says ${found.content}, and said ${allowed.join(", ")}`;
  }
  return undefined;
}

interface Ack {
  readonly atMs: number;
  readonly seq: bigint;
}

/** Per guild: the highest seq acked so far, over time. */
function acksOf(commands: Iterable<CommandEvidence>): ReadonlyMap<bigint, readonly Ack[]> {
  const found = new Map<bigint, Ack[]>();
  const ended = [...commands].filter(({ result, endedMs }) => result !== undefined && endedMs !== undefined);
  ended.sort((a, b) => (a.endedMs as number) - (b.endedMs as number));
  for (const { result, endedMs } of ended) {
    const { topic, seq } = result?.position ?? { topic: 0n, seq: 0n };
    const acks = found.get(topic) ?? [];
    found.set(topic, acks);
    if (seq > (acks.at(-1)?.seq ?? 0n)) acks.push({ atMs: endedMs as number, seq });
  }
  return found;
}

function ackedBefore(acks: readonly Ack[] = [], ms: number): bigint {
  return acks.findLast(({ atMs }) => atMs < ms)?.seq ?? 0n;
}

function durableBy(records: readonly DiskRecord[], ms: number): bigint {
  return records.findLast(({ atMs }) => atMs <= ms)?.seq ?? 0n;
}

function tell({ what, asker, beganMs, endedMs }: ReadEvidence): string {
  return `${what.kind} ${what.channelId} read by ${asker} from ${beganMs.toFixed(3)} to ${endedMs.toFixed(3)} ms`;
}
