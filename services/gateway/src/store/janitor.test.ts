import { expect, test } from "@jest/globals";
import { Janitor } from "./janitor.ts";
import type { LogHolder } from "./session-store.ts";
import { MemorySessionStore } from "./session-store-memory.ts";

const keepMs = 1_000;
const [own, dead, alive]: LogHolder[] = ["0000000a", "0000000b", "0000000c"].map((tag) => ({
  tag,
  name: tag,
  address: "",
}));
const idOf = (origin: LogHolder | undefined, digit: string) => `${origin?.tag}${digit.repeat(32)}`;

function makeStage() {
  let nowMs = 0;
  const here = new Set<string>();
  const store = new MemorySessionStore(() => nowMs);
  const logs = [own, dead, alive].map((holder) => store.createLog(holder as LogHolder));
  for (const log of logs) log.begin(1, Buffer.from("<1>"));
  const ports = { store, ownTag: own?.tag ?? "", keepMs, nowMs: () => nowMs, has: (id: string) => here.has(id) };
  const janitor = new Janitor(ports);
  return {
    store,
    here,
    /** Time passes; the living go on to write. */
    async pass(ms: number) {
      nowMs += ms;
      for (const place of [0, 2]) logs[place]?.append(Buffer.from("x"));
      for (let round = 0; round < 8; round++) await janitor.round();
    },
  };
}

test("logs go when nobody can resume from them any more, the own one never", async () => {
  const { store, pass } = makeStage();
  const tags = async () => (await store.logs()).map(({ tag }) => tag);
  await pass(keepMs);
  expect(await tags()).toHaveLength(3);
  await pass(1);
  expect(await tags()).toEqual([own?.tag, alive?.tag]);
});

test("claims stay while their holder has a log and the session, and go some time after", async () => {
  const { store, here, pass } = makeStage();
  const ids = { ofDead: idOf(own, "1"), ofAlive: idOf(dead, "2"), here: idOf(dead, "3"), over: idOf(dead, "4") };
  const holders = { ofDead: dead, ofAlive: alive, here: own, over: own };
  for (const [name, sessionId] of Object.entries(ids)) {
    await store.claim({ sessionId, generation: 1, holder: holders[name as keyof typeof ids]?.tag ?? "" });
  }
  here.add(ids.here);
  const left = async () => {
    const claims = await Promise.all(Object.values(ids).map((id) => store.claims(id)));
    return Object.keys(ids).filter((_, place) => claims[place]?.length === 1);
  };
  await pass(2 * keepMs);
  expect(await left()).toEqual(Object.keys(ids));
  await pass(1);
  expect(await left()).toEqual(["ofAlive", "here"]);
});
