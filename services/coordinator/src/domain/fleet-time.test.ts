import { describe, expect, test } from "@jest/globals";
import { askMs, type FleetTime, makeFleetTime, markAheadMs, toleratedMs } from "./fleet-time.ts";

const beginMs = 1_760_000_000_000;
const secondMs = 1_000;
const hourMs = 3_600_000;

/** A machine with a wall clock that can be set, on which coordinators of one store run. */
class Machine {
  passedMs = 0;
  setByMs = 0;
  mark = 0;
  time!: FleetTime;
  highestTold = 0;

  /** True time. */
  get trueMs(): number {
    return beginMs + this.passedMs;
  }

  start(hosts: readonly string[] = ["guild-0"]): FleetTime {
    const clock = { nowMs: () => this.trueMs + this.setByMs, monotonicMs: () => this.passedMs };
    let unsaved: number | undefined;
    const time = makeFleetTime({ clock, keptUntilMs: this.mark, hosts, keep: (untilMs) => (unsaved = untilMs) });
    this.time = {
      ...time,
      clock: time.clock,
      hear: (process, itsMs) => time.hear(process, itsMs),
      checkKnown: () => time.checkKnown(),
      extend: () => time.extend(),
      saved: (untilMs) => time.saved(untilMs),
      // As the coordinator does: what is reserved is saved before anything is told.
      reserve: () => {
        time.reserve();
        if (unsaved === undefined) return;
        this.mark = unsaved;
        time.saved(unsaved);
        unsaved = undefined;
      },
      toldMs: () => time.toldMs(),
    };
    return this.time;
  }

  /** What a process is told; it must never be less than anybody was. */
  tell(process = "api-0", itsMs = 0, time = this.time): number {
    time.hear(process, itsMs);
    if (itsMs === 0) time.checkKnown();
    time.reserve();
    const told = time.toldMs();
    expect(told).toBeGreaterThanOrEqual(this.highestTold);
    expect(told).toBeLessThanOrEqual(this.mark);
    this.highestTold = told;
    return told;
  }

  isKnown(): boolean {
    try {
      this.time.checkKnown();
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: "UNAVAILABLE" });
      return false;
    }
  }
}

interface Case {
  readonly what: string;
  /** By how much the wall is set while a coordinator runs. */
  readonly runningMs: number;
  readonly downMs: number;
  /** By how much it is set while none does. */
  readonly setDownMs: number;
}

const jumps = [0, hourMs, -hourMs];
const cases: readonly Case[] = jumps.flatMap((runningMs) =>
  jumps.flatMap((setDownMs) =>
    [500, 10 * secondMs, 10 * 60 * secondMs, hourMs].map((downMs) => ({
      what: `set by ${runningMs / hourMs} h while running, ${setDownMs / hourMs} h while down for ${downMs / secondMs} s`,
      ...{ runningMs, downMs, setDownMs },
    })),
  ),
);

describe("with a fleet that runs on while no coordinator does", () => {
  test.each(cases)("old and new processes show about the same time: $what", ({ runningMs, downMs, setDownMs }) => {
    const machine = new Machine();
    machine.start();
    machine.tell();
    machine.setByMs += runningMs;
    let toldMs = 0;
    for (let second = 0; second < 120; second++) {
      machine.passedMs += secondMs;
      toldMs = machine.tell();
    }
    // Neither a step of the wall is followed nor more of it than all can follow.
    expect(Math.abs(toldMs - machine.trueMs)).toBeLessThanOrEqual(120 * secondMs * 0.05 + 1);
    const hostMs = (atPassedMs: number, sincePassedMs: number) => toldMs + atPassedMs - sincePassedMs;
    const since = machine.passedMs;

    machine.passedMs += downMs;
    machine.setByMs += setDownMs;
    machine.start();
    expect(machine.isKnown()).toBe(false);
    const host = hostMs(machine.passedMs, since);
    const back = machine.tell("guild-0", host);
    expect(Math.abs(back - host)).toBeLessThanOrEqual(toleratedMs + markAheadMs);
    expect(Math.abs(machine.tell("api-1") - host)).toBeLessThanOrEqual(toleratedMs + markAheadMs);
    for (let second = 0; second < 60; second++) {
      machine.passedMs += secondMs;
      expect(Math.abs(machine.tell() - hostMs(machine.passedMs, since))).toBeLessThan(toleratedMs + 2 * markAheadMs);
    }
  });
});

test.each([
  { what: "off for an hour", downMs: hourMs, setMs: 0, offMs: 0 },
  { what: "off for a second", downMs: secondMs, setMs: 0, offMs: markAheadMs - secondMs },
  { what: "off for a moment, its clock an hour ahead", downMs: secondMs, setMs: hourMs, offMs: 0 },
  // Ids have been made up to the mark.
  {
    what: "off for a moment, its clock an hour behind",
    downMs: secondMs,
    setMs: -hourMs,
    offMs: hourMs + 2 * secondMs,
  },
])("a fleet that was off as a whole goes on from the wall or the mark: $what", ({ downMs, setMs, offMs }) => {
  const machine = new Machine();
  machine.start();
  machine.tell();
  machine.passedMs += downMs;
  machine.setByMs += setMs;
  machine.start();
  machine.time.hear("api-0", undefined);
  expect(machine.isKnown()).toBe(false);
  machine.time.hear("guild-0", undefined);
  const wallMs = machine.trueMs + machine.setByMs;
  expect(machine.tell() - wallMs).toBeCloseTo(offMs, 0);
});

test("asks the hosts no longer than it takes them to speak, and not where there are none", () => {
  const machine = new Machine();
  machine.start();
  expect(machine.isKnown()).toBe(true);
  machine.tell();
  machine.start(["guild-0", "guild-1"]);
  machine.tell("guild-0", machine.trueMs);
  expect(machine.isKnown()).toBe(false);
  machine.passedMs += askMs - 1;
  expect(machine.isKnown()).toBe(false);
  machine.passedMs += 1;
  expect(machine.isKnown()).toBe(true);
  machine.start([]);
  expect(machine.isKnown()).toBe(true);
});

test("restarts that follow one another closely do not drive it ahead", () => {
  const machine = new Machine();
  for (let round = 0; round < 200; round++) {
    machine.start([]);
    machine.tell();
    machine.passedMs += 100;
    machine.tell();
  }
  expect(machine.highestTold - machine.trueMs).toBeLessThanOrEqual(markAheadMs);
});

test("a second coordinator tells nothing below what the first tells at the same time, wherever its clock is", () => {
  for (const setMs of jumps) {
    const machine = new Machine();
    const first = machine.start();
    machine.tell();
    machine.setByMs += setMs;
    const second = machine.start([]);
    const markAtTakeover = machine.mark;
    machine.passedMs += 2 * markAheadMs;
    // Nothing of the first is saved any more.
    expect(first.toldMs()).toBeLessThanOrEqual(markAtTakeover);
    expect(machine.tell("api-0", 0, second)).toBeGreaterThanOrEqual(first.toldMs());
  }
});

test("follows a process that went on while the coordinator stood still, and not one that is a little ahead", () => {
  const machine = new Machine();
  machine.start();
  machine.tell();
  const aheadMs = machine.trueMs + toleratedMs - secondMs;
  expect(machine.tell("api-0", aheadMs)).toBeLessThan(machine.trueMs + markAheadMs);
  const awakeMs = machine.trueMs + hourMs;
  expect(machine.tell("guild-0", awakeMs)).toBe(awakeMs);
  expect(machine.tell("api-1")).toBe(awakeMs);
});

test("comes to the wall in the end, never back and never by a step", () => {
  for (const setMs of [hourMs, -hourMs]) {
    const machine = new Machine();
    machine.start();
    let last = machine.tell();
    machine.setByMs += setMs;
    for (let minute = 0; minute < 60 * 51; minute++) {
      machine.passedMs += 60 * secondMs;
      const told = machine.tell();
      expect(told - last).toBeGreaterThan(57 * secondMs);
      expect(told - last).toBeLessThan(64 * secondMs);
      last = told;
    }
    expect(last).toBeCloseTo(machine.trueMs + setMs, 0);
  }
});
