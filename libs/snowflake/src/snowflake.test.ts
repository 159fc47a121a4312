import { isGuildhallError } from "@guildhall/errors";
import { describe, expect, test } from "@jest/globals";
import {
  discordEpochMs,
  makeIdGenerator,
  makeSlewedClock,
  parseSnowflake,
  smallestIdAt,
  timestampMsOf,
  workerIdOf,
} from "./index.ts";

/** A small deterministic source of numbers from 0 to below 1. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return isGuildhallError(error) ? error.code : "another error";
  }
  return "no error";
}

const startMs = 1_780_000_000_000;

describe("parseSnowflake", () => {
  test.each(["0", "1", "175928847299117063", "18446744073709551615"])("takes %s", (text) => {
    expect(parseSnowflake(text)).toBe(BigInt(text));
  });

  test.each([
    "",
    "00",
    "01",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1n",
    "0x1",
    "1.0",
    "18446744073709551616",
    "123456789012345678901",
    "١",
  ])("refuses %j", (text) => {
    expect(parseSnowflake(text)).toBeUndefined();
  });
});

describe("the layout of ids", () => {
  test("reads time and worker of a known id", () => {
    expect(timestampMsOf(175928847299117063n)).toBe(1_462_015_105_796);
    expect(workerIdOf(175928847299117063n)).toBe(32);
  });

  test("begins a millisecond with the smallest id of that time", () => {
    const id = smallestIdAt(startMs);
    expect([timestampMsOf(id), timestampMsOf(id - 1n)]).toEqual([startMs, startMs - 1]);
    expect([smallestIdAt(discordEpochMs), smallestIdAt(0)]).toEqual([0n, 0n]);
  });
});

describe("makeIdGenerator", () => {
  test("gives the smallest id of its worker that is not before now and above what it is given", () => {
    const generator = makeIdGenerator({ workerId: 5, nowMs: () => startMs + 0.7 });
    const first = smallestIdAt(startMs) | (5n << 12n);
    expect(generator.next()).toBe(first);
    expect(generator.next()).toBe(first + 1n);
    const higherWorker = smallestIdAt(startMs) | (6n << 12n);
    expect(generator.next(higherWorker)).toBe(smallestIdAt(startMs + 1) | (5n << 12n));
    const lowerWorker = smallestIdAt(startMs + 3) | (4n << 12n) | 9n;
    expect(generator.next(lowerWorker)).toBe(smallestIdAt(startMs + 3) | (5n << 12n));
    expect(generator.highestTimeMs()).toBe(startMs + 3);
  });

  test("goes on in the next millisecond when one is used up", () => {
    const generator = makeIdGenerator({ workerId: 1023, nowMs: () => startMs });
    const ids = Array.from({ length: 4097 }, () => generator.next());
    expect(timestampMsOf(ids[4095] ?? 0n)).toBe(startMs);
    expect(ids[4096]).toBe(smallestIdAt(startMs + 1) | (1023n << 12n));
  });

  test("keeps ids unique, rising and its own while clocks jump, over several workers and topics", () => {
    const random = makeRandom(7);
    const clocks = [startMs, startMs + 4_000, startMs - 9_000];
    const generators = clocks.map((_, worker) =>
      makeIdGenerator({ workerId: worker * 500, nowMs: () => clocks[worker] ?? 0 }),
    );
    const lastOfTopic = [0n, 0n, 0n, 0n];
    const lastOfWorker = [0n, 0n, 0n];
    const seen = new Set<bigint>();
    for (let round = 0; round < 20_000; round++) {
      const worker = Math.floor(random() * 3);
      const topic = Math.floor(random() * 4);
      clocks[worker] = (clocks[worker] ?? 0) + Math.floor(random() * 41) - 20;
      const above = lastOfTopic[topic] ?? 0n;
      const id = generators[worker]?.next(above) ?? 0n;
      expect(id > above && id > (lastOfWorker[worker] ?? 0n) && !seen.has(id)).toBe(true);
      expect(timestampMsOf(id) >= (clocks[worker] ?? 0) && workerIdOf(id) === worker * 500).toBe(true);
      seen.add(id);
      lastOfTopic[topic] = id;
      lastOfWorker[worker] = id;
    }
  });

  test("refuses to run over 30 s ahead of now, and is as before after it", () => {
    const generator = makeIdGenerator({ workerId: 0, nowMs: () => startMs });
    const atLimit = smallestIdAt(startMs + 30_000);
    expect(codeOf(() => generator.next(atLimit | 0x3fffffn))).toBe("ID_CLOCK_AHEAD");
    expect(generator.highestTimeMs()).toBe(0);
    expect(generator.next(atLimit - 1n)).toBe(atLimit);
    expect(codeOf(() => generator.next(smallestIdAt(startMs + 60_000)))).toBe("ID_CLOCK_AHEAD");
    expect(generator.next()).toBe(atLimit + 1n);
  });

  test.each([-1, 1024, 1.5, Number.NaN])("refuses the worker id %p", (workerId) => {
    expect(codeOf(() => makeIdGenerator({ workerId, nowMs: () => startMs }))).toBe("BAD_CONFIG");
  });
});

describe("makeSlewedClock", () => {
  function setUp() {
    let monotonic = 500;
    const clock = makeSlewedClock({ wallAtStartMs: startMs, monotonicMs: () => monotonic });
    return { clock, pass: (ms: number) => (monotonic += ms), monotonic: () => monotonic };
  }

  test("shows the wall time at start plus the time passed since", () => {
    const { clock, pass } = setUp();
    pass(1_234);
    expect(clock.nowMs()).toBe(startMs + 1_234);
  });

  test("slows down, never back, towards a reference behind it, and then keeps its pace", () => {
    const { clock, pass } = setUp();
    clock.slewTo(startMs - 100);
    expect(clock.nowMs()).toBe(startMs);
    pass(1_000);
    expect(clock.nowMs()).toBe(startMs + 950);
    pass(9_000);
    expect(clock.nowMs()).toBe(startMs + 9_900);
  });

  test("speeds up towards a reference a little ahead, and steps to one far ahead", () => {
    const { clock, pass } = setUp();
    clock.slewTo(startMs + 50);
    pass(200);
    expect(clock.nowMs()).toBe(startMs + 210);
    clock.slewTo(startMs + 60_000);
    expect(clock.nowMs()).toBe(startMs + 60_000);
  });

  test("counts the age of the reference in", () => {
    const { clock, pass, monotonic } = setUp();
    const readAt = monotonic();
    pass(300);
    clock.slewTo(startMs + 5_000, readAt);
    expect(clock.nowMs()).toBe(startMs + 5_300);
  });

  test("never goes back, whatever references come", () => {
    const { clock, pass } = setUp();
    const random = makeRandom(11);
    let last = clock.nowMs();
    for (let round = 0; round < 5_000; round++) {
      pass(random() * 50);
      if (random() < 0.3) clock.slewTo(last + (random() - 0.6) * 4_000);
      const now = clock.nowMs();
      expect(now >= last).toBe(true);
      last = now;
    }
  });
});
