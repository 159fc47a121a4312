import { join } from "node:path";
import type { ServerWritableStream } from "@grpc/grpc-js";
import {
  CoordinatorServiceService,
  type CoordinatorServiceWatchMapRequest,
  type CoordinatorServiceWatchMapResponse,
} from "@guildhall/proto";
import { type MapEntry, makeShardMap, sameRange } from "@guildhall/slots";
import { makeTempDir, type TempDir, waitFor } from "@guildhall/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createRpcServer, makeMapFollower, serveExchange, watchShardMap } from "./index.ts";

type Message = CoordinatorServiceWatchMapResponse;
type Call = ServerWritableStream<CoordinatorServiceWatchMapRequest, Message>;

function entry(i: number, n: number, host: string, epoch: number): MapEntry {
  return { range: { i, n }, host, address: `${host}:1`, epoch, incarnation: `${host}-1` };
}
const wire = (entries: readonly MapEntry[]) => entries.map(({ moving, ...rest }) => ({ ...rest, moving }));
const whole = (version: number, entries: readonly MapEntry[]): Message => {
  return { version: BigInt(version), fromVersion: 0n, entries: wire(entries), removed: [] };
};
const change = (from: number, to: number, before: readonly MapEntry[], after: readonly MapEntry[]): Message => {
  const entries = after.filter((each) => !before.includes(each));
  const removed = before
    .map(({ range }) => range)
    .filter((range) => !after.some((each) => sameRange(each.range, range)));
  return { version: BigInt(to), fromVersion: BigInt(from), entries: wire(entries), removed };
};

const one = [entry(0, 1, "a", 1)];
const two = [entry(0, 2, "a", 2), entry(1, 2, "a", 2)];
const three = [entry(0, 2, "a", 2), entry(1, 2, "b", 3)];

describe("makeMapFollower", () => {
  test("follows a whole map and what changes of it", () => {
    const map = makeShardMap();
    const follower = makeMapFollower(map);
    follower.begin();
    const news = [whole(1, one), change(1, 2, one, two), change(2, 3, two, three)].map(follower.take);
    expect(news).toEqual(["changed", "changed", "changed"]);
    expect([map.version, wire(map.entries())]).toEqual([3, wire(three)]);
  });

  test("wants another stream when a change is of another version than it has", () => {
    const map = makeShardMap();
    const follower = makeMapFollower(map);
    follower.begin();
    expect([whole(1, one), change(2, 3, two, three)].map(follower.take)).toEqual(["changed", "again"]);
    expect(wire(map.entries())).toEqual(wire(one));
  });

  test("does not go on by a stream that began with an older map, though its numbers would fit one day", () => {
    const map = makeShardMap();
    map.apply({ version: 2, entries: two });
    const follower = makeMapFollower(map);
    follower.begin();
    const news = [whole(1, one), change(1, 2, one, one), change(2, 3, one, three)].map(follower.take);
    expect(news).toEqual(["same", "same", "again"]);
    follower.begin();
    expect([whole(3, three), change(3, 4, three, three)].map(follower.take)).toEqual(["changed", "changed"]);
  });

  test("goes on by a stream that begins with the map it has", () => {
    const map = makeShardMap();
    map.apply({ version: 2, entries: two });
    const follower = makeMapFollower(map);
    follower.begin();
    expect([whole(2, two), change(2, 3, two, three)].map(follower.take)).toEqual(["same", "changed"]);
    expect(map.ownerOf(1)?.host).toBe("b");
  });
});

describe("watchShardMap", () => {
  let dir: TempDir;
  let calls: Call[];
  let first: Message;
  let address: string;
  const serve = () =>
    createRpcServer({
      address,
      services: [
        [
          CoordinatorServiceService,
          {
            exchange: serveExchange({ limit: { inFlight: 1 }, handle: () => undefined }),
            watchMap(call: Call) {
              calls.push(call);
              call.write(first);
            },
          },
        ],
      ],
      drainTimeoutMs: 1,
    });
  beforeEach(() => {
    dir = makeTempDir();
    calls = [];
    address = `unix:${join(dir.path, "coordinator.sock")}`;
  });
  afterEach(() => dir[Symbol.dispose]());

  test("tells of each change, asks again when one is missing, and says who watches", async () => {
    first = whole(1, one);
    await using _server = await serve();
    const map = makeShardMap();
    const versions: number[] = [];
    using watch = watchShardMap({ address, watcher: "router-0", map, onChange: () => versions.push(map.version) });
    await waitFor(() => watch.connected);
    expect(calls[0]?.request.watcher).toBe("router-0");
    calls[0]?.write(change(1, 2, one, two));
    await waitFor(() => map.version === 2);
    first = whole(4, three);
    calls[0]?.write(change(3, 4, two, three));
    await waitFor(() => map.version === 4);
    expect([versions, calls.length]).toEqual([[1, 2, 4], 2]);
  });

  test("keeps the map while the coordinator is away, and follows the next one", async () => {
    first = whole(1, one);
    const map = makeShardMap();
    using watch = watchShardMap({ address, watcher: "router-0", map });
    {
      await using _server = await serve();
      await waitFor(() => watch.connected);
    }
    await waitFor(() => !watch.connected);
    expect(map.ownerOf(7)?.host).toBe("a");
    first = whole(2, two);
    await using _server = await serve();
    await waitFor(() => map.version === 2);
    calls.at(-1)?.write(change(2, 3, two, three));
    await waitFor(() => map.version === 3);
  });
});
