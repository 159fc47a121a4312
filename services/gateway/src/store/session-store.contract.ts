import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { LogHolder, SessionStore } from "./session-store.ts";

/** A store that a test may use, and how another process would open it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: SessionStore;
  readonly reopen: () => SessionStore;
}

const holder: LogHolder = { tag: "0000000a", name: "gateway-0", address: "unix:/run/gateway-0.sock" };
const other: LogHolder = { tag: "0000000b", name: "gateway-1", address: "" };
const sessionId = `${holder.tag}${"1".repeat(32)}`;
const bytes = (text: string) => Buffer.from(text);

async function readAll(store: SessionStore, tag: string): Promise<string> {
  let text = "";
  for (let at = { segment: 1, offset: 0 }; ; ) {
    const piece = await store.read(tag, at, 3);
    if (piece === undefined) return text;
    text += `${piece.bytes}`;
    at = { segment: piece.at.segment, offset: piece.at.offset + piece.bytes.length };
    if (piece.bytes.length === 3) continue;
    if (!piece.hasNext) return text;
    at = { segment: at.segment + 1, offset: 0 };
  }
}

/** What every session store does. */
export function describeSessionStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(name, () => {
    let underTest: StoreUnderTest;
    beforeEach(async () => {
      underTest = await open();
    });
    afterEach(async () => {
      await underTest[Symbol.asyncDispose]();
    });

    test("what is appended can be read at once, by others too, segment by segment", async () => {
      const { store, reopen } = underTest;
      using log = store.createLog(holder);
      log.begin(1, bytes("<1>"));
      log.append(bytes("one"));
      log.append(bytes("two"));
      log.begin(2, bytes("<2>"));
      expect(await readAll(reopen(), holder.tag)).toBe("<1>onetwo<2>");
      log.append(bytes("three"));
      expect(await readAll(reopen(), holder.tag)).toBe("<1>onetwo<2>three");
    });

    test("reading goes on from a position, and says whether the segment has come to its end", async () => {
      const { store } = underTest;
      using log = store.createLog(holder);
      log.begin(1, bytes("<1>"));
      const at = { segment: 1, offset: 2 };
      expect(await store.read(holder.tag, at, 9)).toMatchObject({ at, bytes: bytes(">"), hasNext: false });
      expect(await store.read(holder.tag, { segment: 1, offset: 3 }, 9)).toMatchObject({ bytes: bytes("") });
      log.append(bytes("more"));
      log.begin(2, bytes("<2>"));
      expect(await store.read(holder.tag, at, 3)).toMatchObject({ at, bytes: bytes(">mo"), hasNext: true });
    });

    test("a segment that was dropped is skipped, and a log that was removed is not there", async () => {
      const { store } = underTest;
      using log = store.createLog(holder);
      for (const segment of [1, 2, 3]) log.begin(segment, bytes(`<${segment}>`));
      await log.drop(1);
      await log.drop(1);
      const from = { segment: 1, offset: 2 };
      expect((await store.read(holder.tag, from, 9))?.at).toEqual({ segment: 2, offset: 0 });
      await store.removeLog(holder.tag);
      expect(await store.read(holder.tag, from, 9)).toBeUndefined();
      expect(await store.logs()).toEqual([]);
      await store.removeLog(holder.tag);
    });

    test("a log that others removed is begun once more by its writer", async () => {
      const { store } = underTest;
      using log = store.createLog(holder);
      log.begin(1, bytes("<1>"));
      await store.removeLog(holder.tag);
      log.begin(2, bytes("<2>"));
      expect(await readAll(store, holder.tag)).toBe("<2>");
      expect(await store.holder(holder.tag)).toEqual(holder);
    });

    test("logs are listed with their writers", async () => {
      const { store, reopen } = underTest;
      using log = store.createLog(holder);
      using second = store.createLog(other);
      log.begin(1, bytes("a"));
      second.begin(1, bytes("b"));
      const logs = await reopen().logs();
      expect(logs.map(({ tag }) => tag).sort()).toEqual([holder.tag, other.tag]);
      expect(logs.every(({ writtenMs }) => writtenMs > 0)).toBe(true);
      expect(await reopen().holder(other.tag)).toEqual(other);
      expect(await store.holder("ffffffff")).toBeUndefined();
    });

    test("of any number of claims of one generation one is granted", async () => {
      const { store, reopen } = underTest;
      const claims = Array.from({ length: 8 }, (_, place) =>
        (place % 2 ? store : reopen()).claim({ sessionId, generation: 1, holder: `0000000${place}` }),
      );
      const granted = await Promise.all(claims);
      expect(granted.filter(Boolean)).toHaveLength(1);
      const winner = `0000000${granted.indexOf(true)}`;
      expect(await reopen().claims(sessionId)).toMatchObject([{ sessionId, generation: 1, holder: winner }]);
    });

    test("claims of a session come in order, and go together", async () => {
      const { store } = underTest;
      expect(await store.claims(sessionId)).toEqual([]);
      for (let generation = 1; generation <= 12; generation++) {
        expect(await store.claim({ sessionId, generation, holder: other.tag })).toBe(true);
      }
      const claims = await store.claims(sessionId);
      expect(claims.map(({ generation }) => generation)).toEqual(claims.map((_, place) => place + 1));
      expect(claims.every(({ atMs }) => atMs > 0)).toBe(true);
      expect(await store.origins()).toEqual([holder.tag]);
      await store.removeClaims(sessionId);
      expect(await store.claims(sessionId)).toEqual([]);
      await store.removeClaims(sessionId);
    });

    test("claims of sessions that began at one gateway are listed, and nothing of what was never claimed", async () => {
      const { store } = underTest;
      const none = await store.claimsOf(holder.tag, "");
      expect(none?.claims).toEqual([]);
      expect(await store.claimsOf(holder.tag, none?.since ?? "")).toBeUndefined();
      await store.claim({ sessionId, generation: 1, holder: other.tag });
      await store.claim({ sessionId: `${other.tag}${"2".repeat(32)}`, generation: 1, holder: holder.tag });
      const some = await store.claimsOf(holder.tag, none?.since ?? "");
      expect(some?.claims).toMatchObject([{ sessionId, generation: 1 }]);
      await store.claim({ sessionId, generation: 2, holder: holder.tag });
      const more = await store.claimsOf(holder.tag, some?.since ?? "");
      expect(more?.claims.map(({ generation }) => generation).sort()).toEqual([1, 2]);
    });
  });
}
