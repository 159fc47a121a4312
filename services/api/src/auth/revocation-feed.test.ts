import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { makeRevocationFeed, type RevocationEvents } from "./revocation-feed.ts";

function setUp(addresses: readonly string[]) {
  const time = makeManualTime();
  const opened: (RevocationEvents & { readonly address: string; closed: boolean })[] = [];
  const told = { revoked: 0, gaps: 0 };
  const feed = makeRevocationFeed({
    ...time,
    addresses,
    open(address, events) {
      const stream = { ...events, address, closed: false };
      opened.push(stream);
      return {
        close() {
          stream.closed = true;
        },
      };
    },
    onRevoked(hashes) {
      told.revoked += hashes.length;
    },
    onGap() {
      told.gaps++;
    },
  });
  return { time, opened, told, feed };
}

test("is alive while each stream was heard of within a second", () => {
  const { time, opened, told, feed } = setUp(["a", "b"]);
  expect(feed.isAlive()).toBe(false);
  opened[0]?.onHashes([]);
  expect(feed.isAlive()).toBe(false);
  opened[1]?.onHashes([]);
  expect(feed.isAlive()).toBe(true);
  time.advance(1000);
  opened[0]?.onHashes([new Uint8Array(32)]);
  expect([feed.isAlive(), told.revoked]).toEqual([true, 1]);
  time.advance(1);
  expect(feed.isAlive()).toBe(false);
});

test("opens a stream anew when it ends, and says then that something may have been missed", () => {
  const { time, opened, told, feed } = setUp(["a"]);
  opened[0]?.onHashes([]);
  const before = told.gaps;
  opened[0]?.onEnd();
  expect([feed.isAlive(), told.gaps]).toEqual([false, before]);
  time.advance(50);
  expect(opened.length).toBe(2);
  opened[1]?.onHashes([]);
  expect([feed.isAlive(), told.gaps]).toEqual([true, before + 1]);
});

test("gives up a stream that is silent without an end", () => {
  const { time, opened, feed } = setUp(["a"]);
  opened[0]?.onHashes([]);
  time.advance(2000);
  opened[0]?.onHashes([]);
  time.advance(2999);
  expect(opened.length).toBe(1);
  time.advance(51);
  expect([opened.length, opened[0]?.closed]).toEqual([2, true]);
  opened[0]?.onHashes([]);
  expect(feed.isAlive()).toBe(false);
});

test("waits longer after each failure, and not at all once disposed", () => {
  const { time, opened, feed } = setUp(["a"]);
  for (const waitMs of [50, 100, 200, 400, 800, 1000, 1000]) {
    opened.at(-1)?.onEnd();
    const before = opened.length;
    time.advance(waitMs - 1);
    expect(opened.length).toBe(before);
    time.advance(1);
    expect(opened.length).toBe(before + 1);
  }
  feed[Symbol.dispose]();
  expect([time.pending(), opened.at(-1)?.closed]).toEqual([0, true]);
});
