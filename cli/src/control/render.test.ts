import type { HostsView, ReshardView, ShardsView } from "@guildhall/dev/control";
import { expect, test } from "@jest/globals";
import { bytes, duration, percent, rate } from "./numbers.ts";
import { renderSessions, renderTrace } from "./render-others.ts";
import { renderHosts, renderMove, renderPlan, renderReshard, renderShards } from "./render-shards.ts";

const reshard: ReshardView = {
  phase: "",
  from: 4,
  to: 8,
  planHash: "5f2c",
  approved: false,
  paused: false,
  split: 0,
  moved: 0,
  total: 0,
  worstPauseMs: 0,
  startedMs: 0,
  message: "",
  serving: 4,
};

const load = { topics: 12, commandsPerS: 3.25, bytesPerS: 20_480, cpuShare: 0.126, memoryBytes: 1 };

test("shows who owns which shard, and a doubling under way", () => {
  const view: ShardsView = {
    mapVersion: 7,
    desired: 8,
    serving: 4,
    paused: false,
    shards: [
      { shard: "0/4", host: "guild-0", epoch: 3, state: "Serving", load },
      { shard: "1/4", host: "guild-1", epoch: 4, state: "Moving", movingTo: "guild-0", load },
      { shard: "2/4", host: "", epoch: 0, state: "Ordered", load: { ...load, commandsPerS: 0, bytesPerS: 0 } },
    ],
    reshard: { ...reshard, phase: "Moving", approved: true, moved: 1, total: 3, worstPauseMs: 41.4 },
  };
  expect(renderShards(view)).toBe(
    [
      "SHARD  HOST     EPOCH  STATE    MOVING TO  TOPICS  COMMANDS/S  EVENTS/S  CPU",
      "0/4    guild-0  3      Serving  -          12      3.3         20.0 KiB  13 %",
      "1/4    guild-1  4      Moving   guild-0    12      3.3         20.0 KiB  13 %",
      "2/4    -        0      Ordered  -          12      0           0 B       13 %",
      "",
      "4 shards serve, 8 wanted; map version 7",
      "reshard 4 -> 8: Moving (1/3 shards moved, worst pause 41 ms)",
    ].join("\n"),
  );
});

test.each<[Partial<ReshardView>, string]>([
  [{}, "no reshard yet"],
  [{ phase: "Planned" }, "reshard 4 -> 8: Planned (plan 5f2c, waits for `guildhall reshard approve`)"],
  [
    { phase: "Planned", approved: true, message: "waits for its window" },
    "reshard 4 -> 8: Planned (plan 5f2c, approved, waits for its window)",
  ],
  [{ phase: "Splitting", split: 2, paused: true }, "reshard 4 -> 8: Splitting (2/4 shards split, paused)"],
  [
    { phase: "Completed", total: 4, worstPauseMs: 9.6 },
    "reshard 4 -> 8: Completed (4 shards moved, worst pause 10 ms)",
  ],
  [{ phase: "Cancelled" }, "reshard 4 -> 8: Cancelled"],
])("says how a reshard stands: %o", (changes, line) => {
  expect(renderReshard({ ...reshard, ...changes })).toBe(line);
});

test("shows hosts, what moved, and why", () => {
  const host = {
    state: "Ready",
    shards: 2,
    load: 0.5,
    epochMax: 3,
    renewedMsAgo: 412,
    incarnation: "a",
    version: "0.1.0",
  };
  const view: HostsView = {
    imbalance: 1.234,
    mode: "Auto",
    hosts: [
      { name: "guild-0", ...host },
      { name: "guild-1", ...host, state: "Absent", version: "" },
    ],
    decisions: [{ atMs: 0, subject: "balance", action: "nothing", reason: "all shards rest after a move" }],
    moves: [],
  };
  const text = renderHosts(view);
  expect(text).toContain("guild-0  Ready   2       50 %  3      412 ms ago  0.1.0");
  expect(text).toContain("guild-1  Absent  2       50 %  3      -           -");
  expect(text).toContain("balancing: Auto; the busiest host has 1.23 x the mean");
  expect(text).toMatch(/balance\s+nothing: all shards rest after a move/);
});

test("shows what doubling would do", () => {
  const splits = [{ shard: "1/2", host: "guild-0", lowTopics: 1, highTopics: 5, lowLoad: 0.1, highLoad: 0.4 }];
  const moves = [{ shard: "3/4", from: "guild-0", to: "guild-1", reason: "evens out" }];
  expect(renderPlan({ from: 2, to: 4, hash: "abc", splits, moves })).toBe(
    [
      "plan abc: 2 -> 4 shards; each splits where it is, then 1 to move",
      "",
      "SHARD  HOST     BECOMES (GUILDS, LOAD)  AND",
      "1/2    guild-0  1/4 (1 guild, 10 %)     3/4 (5 guilds, 40 %)",
      "",
      "SHARD  HOSTS               WHY",
      "3/4    guild-0 -> guild-1  evens out",
    ].join("\n"),
  );
});

test("says how a move went", () => {
  const move = {
    shard: "3/8",
    from: "guild-0",
    to: "guild-1",
    state: "",
    reason: "",
    pauseMs: 0,
    startedMs: 0,
    endedMs: 0,
  };
  expect(renderMove(move)).toBe("would move 3/8 guild-0 -> guild-1");
  expect(renderMove({ ...move, state: "Done", pauseMs: 12.3 })).toBe("moved 3/8 guild-0 -> guild-1, pause 12 ms");
  expect(renderMove({ ...move, state: "TakenBack", reason: "it did not open in time" })).toBe(
    "3/8 guild-0 -> guild-1: TakenBack: it did not open in time",
  );
});

test("shows gateways and their sessions, of an id the beginning only", () => {
  const session = { id: "1a2b3c4d", userId: "77", state: "connected", s: 12, guilds: 1, clientShard: "0/1" };
  const gateways = [
    {
      gateway: "gateway-0",
      state: "Serving",
      connected: 1,
      waiting: 0,
      adopted: 3,
      sessions: [{ ...session, sinceMs: 1_000, encoding: "json", hereOnly: false }],
    },
    { gateway: "gateway-1", state: "Unreachable", connected: 0, waiting: 0, adopted: 0, sessions: [] },
  ];
  expect(renderSessions(gateways, 62_000)).toBe(
    [
      "GATEWAY    STATE        CONNECTED  WAITING  TAKEN OVER",
      "gateway-0  Serving      1          0        3",
      "gateway-1  Unreachable  0          0        0",
      "",
      "SESSION    GATEWAY    USER  STATE      S   GUILDS  CLIENT SHARD  ENCODING  FOR",
      "1a2b3c4d…  gateway-0  77    connected  12  1       0/1           json      1 min",
    ].join("\n"),
  );
});

test("shows each step of a message with the time since the first", () => {
  const steps = [
    { atUs: 1_700_000_000_000_000, process: "guild-0", what: "decided", detail: "create message" },
    { atUs: 1_700_000_000_002_250, process: "gateway-1", what: "dispatched", detail: "" },
  ];
  expect(renderTrace({ topic: "5", seq: 9, steps, silent: ["gateway-0"] })).toBe(
    [
      "guild 5, event 9",
      "",
      "TIME          AFTER     PROCESS    WHAT",
      "22:13:20.000  +0.00 ms  guild-0    decided     create message",
      "22:13:20.002  +2.25 ms  gateway-1  dispatched",
      "",
      "did not answer: gateway-0",
    ].join("\n"),
  );
});

test("writes numbers for people", () => {
  expect([percent(0.345), bytes(5), bytes(2 ** 30), rate(0.04), rate(123.4)]).toEqual([
    "35 %",
    "5 B",
    "1.0 GiB",
    "0.0",
    "123",
  ]);
  expect([duration(3.4), duration(1_500), duration(150_000), duration(7_200_000)]).toEqual([
    "3 ms",
    "1.5 s",
    "3 min",
    "2.0 h",
  ]);
});
