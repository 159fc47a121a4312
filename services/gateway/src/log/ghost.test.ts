import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { dataOf } from "../../tests/support/encode-event.ts";
import { anyProfiles, anyStep, dispatchTo, RecordedWorld, sentBy, tag } from "../../tests/support/recorded-world.ts";
import { planResume } from "../domain/resume.ts";
import type { Damage } from "./log-reader.ts";

const profiles = Array.from({ length: 3 }, () => ({ isBot: true, intents: 1, seesContent: true }));
const everyoneGets = dispatchTo({ kind: "everyone" });
const logWindowMs = 150_000;
const anySteps = fc.array(anyStep, { minLength: 5, maxLength: 80, size: "max" });

test("what another gateway makes of the log is what the gateway itself would have sent, whenever it dies", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(anyProfiles, anySteps, fc.nat({ max: 8 }), async (profiles, steps, lost) => {
      const world = new RecordedWorld(profiles);
      for (const step of steps) world.run(step);
      world.recording.flush();
      const ghost = await world.ghost((damage) => expect(damage).toBeUndefined());
      for (const client of world.clients) {
        const { session, link } = client;
        world.table.cut(session);
        const seq = Math.max(1, (link.sent.at(-1)?.s ?? 1) - lost);
        const plan = planResume(world.log, session, seq);
        const sent = sentBy(ghost, client, seq);
        // What is older than the window may still be there, and need not be.
        if (plan.kind !== "replay" || (sent === undefined && link.ageMs(seq) > logWindowMs)) continue;
        compared++;
        expect(sent).toEqual(plan.missed.map(({ s, body }) => ({ s, data: dataOf(body) })));
      }
    }),
    { numRuns: 300 },
  );
  expect(compared).toBeGreaterThan(300);
});

/** What happened to a segment of the log. */
const anyHarm = fc.record({
  kind: fc.constantFrom("flipped", "cut off", "appended", "removed" as const),
  segment: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  offset: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  bit: fc.nat({ max: 7 }),
});

test("whatever byte of the log is wrong or missing, what comes of it is right, or refused, and said", async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(anyProfiles, anySteps, anyHarm, async (profiles, steps, harm) => {
      const world = new RecordedWorld(profiles);
      for (const step of steps) world.run(step);
      world.recording.flush();
      const segments = world.store.segmentsOf(tag);
      const segment = segments[Math.floor(harm.segment * segments.length)] as number;
      let harmedAt = 0;
      world.store.tamper(tag, segment, (bytes) => {
        const at = Math.floor(harm.offset * bytes.length);
        harmedAt = at;
        if (harm.kind === "removed") return undefined;
        if (harm.kind === "cut off") return bytes.subarray(0, at);
        if (harm.kind === "appended") {
          harmedAt = bytes.length;
          return Buffer.concat([bytes, Buffer.from([at % 256, 1, 0, 0, 9, 9, 9, 9, 9])]);
        }
        bytes[at] = (bytes[at] as number) ^ (1 << harm.bit);
        return bytes;
      });
      const damages: Damage[] = [];
      const ghost = await world.ghost((damage) => damages.push(damage));
      ghost.reportTail();
      const isEdge = harm.kind === "removed" && (segment === segments[0] || segment === segments.at(-1));
      // Whole blocks that are missing at the end of the last segment are as if the gateway had died before.
      const isLast = segment === segments.at(-1);
      if (!isEdge && !(isLast && harm.kind === "cut off")) {
        expect(damages).toEqual([{ tag, segment, offset: expect.any(Number), reason: expect.any(String) }]);
        if (harm.kind !== "removed") expect(damages[0]?.offset).toBeLessThanOrEqual(harmedAt);
      }
      for (const client of world.clients) {
        const { session, link } = client;
        world.table.cut(session);
        const seq = Math.max(1, (link.sent.at(-1)?.s ?? 1) - 2);
        const plan = planResume(world.log, session, seq);
        const sent = sentBy(ghost, client, seq);
        if (plan.kind !== "replay" || sent === undefined) {
          refused++;
          continue;
        }
        const right = plan.missed.map(({ s, body }) => ({ s, data: dataOf(body) }));
        expect(sent).toEqual(isLast ? right.slice(0, sent.length) : right);
      }
    }),
    { numRuns: 300 },
  );
  expect(refused).toBeGreaterThan(20);
});

test("a log of another version, or that is none, is not used", async () => {
  const versions = [
    { at: 4, byte: 2, reason: /version 2/ },
    { at: 0, byte: 0x20, reason: /no session log/ },
    { at: 8, byte: 0x20, reason: /CRC of its header/ },
  ];
  for (const { at, byte, reason } of versions) {
    const world = new RecordedWorld(profiles);
    world.recording.flush();
    world.store.tamper(tag, 1, (bytes) => {
      bytes[at] = byte;
      return bytes;
    });
    const damages: Damage[] = [];
    const ghost = await world.ghost((damage) => damages.push(damage));
    expect(damages).toEqual([{ tag, segment: 1, offset: 0, reason: expect.stringMatching(reason) }]);
    expect(ghost.replay.sessionCount).toBe(0);
  }
});

test("an event is one record, however many sessions get it", () => {
  const world = new RecordedWorld(profiles);
  for (let count = 0; count < 1_000; count++) world.begin(count % 3);
  world.recording.flush();
  const { records, bytes } = world.recording;
  world.run({ kind: "event", guild: 0, changes: [], dispatches: [everyoneGets] });
  world.recording.flush();
  expect(world.recording.records - records).toBe(1);
  expect(world.recording.bytes - bytes).toBeLessThan(200);
  expect(world.clients.every(({ link }) => link.sent.length === 1)).toBe(true);
});
