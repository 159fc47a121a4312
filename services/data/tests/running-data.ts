import { join } from "node:path";
import type { Running } from "@guildhall/lifecycle";
import type { EpochRecord, Record as JournalEntry, Row } from "@guildhall/proto";
import { createDataClient, type DataClient } from "@guildhall/rpc";
import { makeTempDir, type TempDir } from "@guildhall/testing";
import { createDataService, readDataConfig } from "../src/index.ts";

/** A data service in this process, on a folder of its own. */
export interface RunningData extends AsyncDisposable {
  readonly dir: TempDir;
  readonly stateDir: string;
  readonly service: Running;
  readonly client: DataClient;
}

/** Starts one; on a folder that is given, which stays. */
export async function startData(given?: TempDir): Promise<RunningData> {
  await using stack = new AsyncDisposableStack();
  const dir = given ?? stack.use(makeTempDir());
  const address = `unix:${join(dir.path, "data.sock")}`;
  const stateDir = join(dir.path, "state");
  const config = readDataConfig({
    GUILDHALL_LISTEN: address,
    GUILDHALL_STATE_DIR: stateDir,
    GUILDHALL_LOG_LEVEL: "silent",
  });
  const service = stack.use(
    await createDataService(config, {
      onFatal(error) {
        throw error;
      },
    }),
  );
  const client = stack.use(createDataClient(address));
  const owned = stack.move();
  return { dir, stateDir, service, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** An EPOCH of all slots, or what is said. */
export function makeEpoch(change: Partial<EpochRecord> = {}): EpochRecord {
  const whole = { range: { i: 0, n: 1 }, split: false, epoch: 1, host: "guild-0", incarnation: "a", moveId: "m" };
  return { ...whole, ...change };
}

/** A topic in a slot. */
export function topicIn(slot: number, number = 1): bigint {
  return (BigInt(number) * 65_536n + BigInt(slot)) << 22n;
}

/** A record without rows. */
export function makeEntry(topic: bigint, seq: bigint, rest: Partial<JournalEntry> = {}): JournalEntry {
  const blank = { requestId: 0n, nonceKey: "", result: Buffer.alloc(0), rows: [], event: Buffer.from(`${seq}`) };
  return { topic, epoch: 1, seq, ts: seq, lastId: seq, ...blank, ...rest };
}

/** A message of a channel. */
export function makeMessage(channelId: bigint, messageId: bigint): Row {
  const openJson = Buffer.from(`{"id":"${messageId}"`);
  const value = { channelId, messageId, authorId: 1n, mentionIds: [], openJson, seq: messageId, referenceId: 0n };
  return { ts: messageId, deleted: false, of: { $case: "message", value } };
}
