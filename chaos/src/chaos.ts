import { join } from "node:path";
import { makeControlClient } from "@guildhall/cli/control";
import { createFleet, type Fleet } from "@guildhall/dev";
import { type Load, makeBotMaker, makeRest, startLoad } from "@guildhall/e2e";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { checkHistory, checkListener, type PostedChannel } from "./check/check.ts";
import { type AckTimes, ackTimesOf, longestPauseMs } from "./check/pause.ts";
import { type Community, gather } from "./clients/community.ts";
import type { Arena } from "./faults/arena.ts";
import { type PlannedFault, planFaults } from "./faults/fault-plan.ts";
import { inject } from "./faults/inject.ts";
import { makeRandom } from "./random.ts";
import { makeRelays } from "./relay.ts";
import type { ChaosReport, FaultReport } from "./report.ts";
import { chaosSpec } from "./spec.ts";

/** How long, how much, and what is to happen. */
export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly sessions: number;
  /** Messages a second, over all guilds. */
  readonly perSecond: number;
  readonly guilds: number;
  /** How many faults; what does not fit the minutes is left out. */
  readonly faults: number;
  /** Hears of each step. */
  readonly say: (line: string) => void;
  /** Where the processes' lines go. */
  readonly log: (line: string) => void;
}

// What a fault may still do to people after it is over: a failover takes at most 10 s.
const aftermathMs = 6_000;
const quietMs = 60_000;
const settleMs = 2_000;

interface Ran {
  readonly fault: PlannedFault;
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly failure: string | undefined;
}

/** Runs a fleet under load, does the faults of a seed to it, and compares what was sent, acked, shown and kept. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { say, seed } = options;
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(makeTempDir()).path;
  const relays = stack.use(makeRelays(folder));
  const fleet = stack.use(
    await createFleet({
      state: join(folder, "state"),
      spec: chaosSpec(),
      withDemo: false,
      output: { write: (line) => options.log(line) },
      relay: relays.between,
    }),
  );
  say(`the fleet is ready; ${options.sessions} sessions begin`);
  const rest = makeRest(fleet.endpoints.api);
  const bots = stack.use(await makeBotMaker({ fleet, rest }));
  const community = await gather({ ...options, rest, bots, gateway: fleet.endpoints.gateway });
  stack.defer(() => endSessions(community));
  const loads = startLoads(community, options.perSecond);
  say("everybody is there, people post");
  const startMs = Date.now();
  const arena = makeArena(fleet, relays);
  const ran = await doFaults(arena, options, startMs);
  relays.joinAll();
  await pass(settleMs);
  await Promise.all(loads.map(({ load }) => load.stop()));
  say("people have stopped; what was sent, acked, shown and kept is compared");
  const { histories, problems } = await compare(community, loads);
  const { listeners } = community;
  return {
    seed,
    minutes: (Date.now() - startMs) / 60_000,
    sessions: listeners.length,
    sent: loads.reduce((sum, { load }) => sum + load.streams.reduce((all, { acked }) => all + acked.length, 0), 0),
    shown: listeners.reduce(
      (sum, { session, channelIds }) => sum + channelIds.reduce((all, id) => all + session.seen(id).length, 0),
      0,
    ),
    resumed: listeners.reduce((sum, { session }) => sum + session.resumes, 0),
    lost: listeners.reduce((sum, { session }) => sum + session.losses.length, 0),
    faults: describeAll(ran, startMs, community, loads),
    problems: [...problems, ...(histories.size === 0 ? ["no channel was posted to"] : [])],
  };
}

interface ChannelLoad extends Pick<PostedChannel, "channelId" | "read"> {
  readonly load: Load;
  /** Posted to so often that a pause can be seen. */
  readonly isBusy: boolean;
}

function makeArena(fleet: Fleet, relays: Arena["relays"]): Arena {
  return {
    fleet,
    relays,
    control: makeControlClient(fleet.state),
    namesOf: (part) => fleet.endpoints.processes.filter(({ service }) => service === part).map(({ name }) => name),
    random: makeRandom,
  };
}

function startLoads({ guilds }: Community, perSecond: number): ChannelLoad[] {
  const each = perSecond / guilds.length;
  return guilds.flatMap(({ guild, senders, openChannelId, hiddenChannelId }, at) => {
    const { owner } = guild;
    const open = startLoad({ people: senders, channelIds: [openChannelId], perSecond: each * 0.9, name: `o${at}` });
    const hidden = startLoad({ people: [owner], channelIds: [hiddenChannelId], perSecond: each * 0.1, name: `h${at}` });
    return [
      { channelId: openChannelId, read: owner.rest, load: open, isBusy: true },
      { channelId: hiddenChannelId, read: owner.rest, load: hidden, isBusy: false },
    ];
  });
}

async function doFaults(arena: Arena, options: ChaosOptions, startMs: number): Promise<Ran[]> {
  const endMs = startMs + options.minutes * 60_000;
  const ran: Ran[] = [];
  for (const [at, fault] of planFaults(options.seed, options.faults).entries()) {
    await pass(fault.afterMs);
    if (Date.now() >= endMs) break;
    options.say(`fault ${at + 1}: ${fault.kind} ${fault.target}`);
    ran.push(await doFault(arena, fault));
    const { what, fromMs, toMs, failure } = ran.at(-1) as Ran;
    options.say(`  ${what}, ${toMs - fromMs} ms${failure === undefined ? "" : `, FAILED: ${failure}`}`);
  }
  await pass(Math.max(0, endMs - Date.now()));
  return ran;
}

async function doFault(arena: Arena, fault: PlannedFault): Promise<Ran> {
  const fromMs = Date.now();
  let what = fault.target;
  let failure: string | undefined;
  try {
    const done = await inject(arena, fault);
    what = done.what;
    await done.over;
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  return { fault, what, fromMs, toMs: Date.now(), failure };
}

function describeAll(
  ran: readonly Ran[],
  startMs: number,
  { listeners }: Community,
  loads: readonly ChannelLoad[],
): FaultReport[] {
  const busy = loads.filter(({ isBusy }) => isBusy).map(({ load }) => ackTimesOf(load));
  // What begins after the next fault has begun is that one's.
  return ran.map((each, at) => {
    const untilMs = Math.min(each.toMs + aftermathMs, ran[at + 1]?.fromMs ?? Number.POSITIVE_INFINITY);
    return describe(each, at, { startMs, untilMs, listeners, busy });
  });
}

function describe(
  { fault, what, fromMs, toMs, failure }: Ran,
  at: number,
  around: {
    readonly startMs: number;
    readonly untilMs: number;
    readonly listeners: Community["listeners"];
    readonly busy: readonly AckTimes[];
  },
): FaultReport {
  const { startMs, untilMs, listeners, busy } = around;
  const away = listeners.flatMap(({ session }) => {
    const times = session.absences.filter((each) => each.fromMs <= untilMs && each.fromMs >= fromMs);
    return times.length === 0 ? [] : [Math.max(...times.map((each) => each.toMs - each.fromMs))];
  });
  return {
    number: at + 1,
    atMs: fromMs - startMs,
    kind: fault.kind,
    what,
    lastedMs: toMs - fromMs,
    sendPauseMs: Math.max(0, ...busy.map((times) => longestPauseMs(times, fromMs, untilMs))),
    sessionsAway: away.length,
    longestAwayMs: Math.max(0, ...away),
    ...(failure === undefined ? {} : { failure }),
  };
}

async function compare({ listeners }: Community, loads: readonly ChannelLoad[]) {
  const problems: string[] = [];
  const histories = new Map<string, readonly bigint[]>();
  for (const { load, channelId, read } of loads) {
    const found = await checkHistory({ channelId, read, loads: [load] });
    histories.set(channelId, found.ids);
    problems.push(...found.problems);
  }
  const isShown = () =>
    listeners.every(({ session, channelIds }) =>
      channelIds.every((id) => session.seen(id).at(-1) === histories.get(id)?.at(-1)),
    );
  // Whatever is missing then is named below.
  await waitFor(isShown, { timeoutMs: quietMs, pollMs: 200 }).catch(() => {});
  for (const listener of listeners) problems.push(...checkListener(listener, histories));
  return { histories, problems };
}

async function endSessions({ listeners }: Community): Promise<void> {
  await Promise.all(listeners.map(({ session }) => session[Symbol.asyncDispose]()));
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
