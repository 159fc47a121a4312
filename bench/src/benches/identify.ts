import { Generator } from "../load/generator.ts";
import { createBenchFleet } from "../support/fleet.ts";
import { seedPeople } from "../support/people.ts";
import { atMost } from "../support/report.ts";
import { percentile } from "../support/statistics.ts";
import type { Bench } from "./bench.ts";

const people = 2000;
const atOnce = 500;
/** HELLO and READY: people get their guilds inside READY. */
const openFrames = 2;

/** 500 people IDENTIFY at once in a guild of 2,000. */
export const identify: Bench = {
  name: "identify",
  what: "500 sessions that start at once, guild of 2,000",
  async run() {
    await using fleet = await createBenchFleet();
    const tokens = (await seedPeople(fleet, people)).slice(0, atOnce);
    await using generator = new Generator();
    const url = fleet.gateway;
    const { openMs, failed } = await generator.open({ url, tokens, intents: null, compress: null, openFrames, atOnce });
    return [
      { name: "p50", value: percentile(openMs, 0.5), unit: "ms", target: atMost(2000), budget: atMost(1000) },
      { name: "p99", value: percentile(openMs, 0.99), unit: "ms" },
      { name: "sessions that failed", value: failed, unit: "sessions", target: atMost(0) },
    ];
  },
};
