import { type DirectoryPort, type JournalPort, makeGroupCommit, type StorePort } from "@guildhall/data/answer";
import { spansToTrim } from "@guildhall/data/domain";
import { GuildhallError } from "@guildhall/errors";
import { shardOf, slotOf } from "@guildhall/slots";
import type { SimProcess } from "../engine/sim-process.ts";
import type { JournalAnswer, JournalDisk, JournalOp } from "./journal-disk.ts";
import type { StoreDisk } from "./store-disk.ts";

/** How an engine's next commit goes. Milliseconds. */
export interface CommitPlan {
  /** From its begin to the moment in which it is durable. */
  readonly beforeMs: number;
  /** From there to its answer. */
  readonly afterMs: number;
  /** "failed": nothing of it is done, and that is said. "unknown": nobody can tell; it `lands` or not. */
  readonly is: "fine" | "failed" | "unknown";
  readonly lands?: boolean;
}

/** What makes engines slow or fail. */
export interface EngineWeather {
  journal(group: readonly JournalOp[]): CommitPlan;
  store(): { readonly ms: number; readonly fails: boolean };
  directory(): { readonly ms: number; readonly fails: boolean };
  readMs(): number;
  /** A journal read that fails. */
  readFails(): boolean;
  /** Lets a commit wait: resolves when it may go on. */
  hold(group: readonly JournalOp[]): Promise<void> | undefined;
}

const maxGroupRecords = 2_048;
const maxQueuedRecords = 16_384;
const weightOf = (op: JournalOp): number => (op.kind === "append" ? op.records.length : 1);

/** The journal's engine in a process: commits one after the other, as its thread does. */
export function makeSimJournal(process: SimProcess, disk: JournalDisk, weather: EngineWeather): JournalPort {
  disk.reopen();
  const pause = pauseOf(process);
  const commits = makeGroupCommit<JournalOp, JournalAnswer>({
    name: "journal",
    maxGroup: maxGroupRecords,
    maxQueued: maxQueuedRecords,
    weightOf,
    async commit(group) {
      const held = weather.hold(group);
      if (held !== undefined) await held;
      const plan = weather.journal(group);
      await pause(plan.beforeMs);
      const lands = plan.is === "fine" || (plan.is === "unknown" && plan.lands === true);
      // A dead process has nobody to commit.
      const answers = lands && process.acts() ? disk.commit(group) : undefined;
      await pause(plan.afterMs);
      if (plan.is === "failed") throw new GuildhallError("JOURNAL_UNAVAILABLE", "the disk refused the commit");
      if (plan.is === "unknown") throw new GuildhallError("OUTCOME_UNKNOWN", "the thread ended");
      return answers as JournalAnswer[];
    },
  });
  const read = async <T>(look: () => T): Promise<T> => {
    await pause(weather.readMs());
    if (weather.readFails()) throw new GuildhallError("JOURNAL_UNAVAILABLE", "the disk cannot be read");
    return look();
  };
  return {
    // Not told: hosts go by how long answers take.
    lastCommitMs: 0,
    open: async () => {},
    async append(records) {
      const answer = await commits.add({ kind: "append", records });
      return answer.kind === "append" ? answer.answers : [];
    },
    async takeEpoch(ask) {
      const answer = await commits.add({ kind: "take", ask });
      if (answer.kind !== "take") throw new GuildhallError("INTERNAL", "answered as another");
      return answer.decision;
    },
    readEpochs: (range) => read(() => disk.readEpochs(range)),
    readTail: (range, after, limit) => read(() => disk.readTail(range, after, limit)),
    readTopic: (topic, fromSeq, limit) => read(() => disk.readTopic(topic, fromSeq, limit)),
    readRetries: (range, sinceTs) =>
      read(() => {
        const last = disk.newestTs(range) - retryWindowUs;
        return { retries: disk.readRetries(range, last < sinceTs ? last : sinceTs), next: "" };
      }),
    readHeads: (topics) => read(() => topics.flatMap((topic) => disk.head(topic) ?? [])),
    countTopics: (n) =>
      read(() => {
        const counts = Array.from({ length: n }, () => 0n);
        for (const topic of disk.topics.keys()) {
          const shard = shardOf(slotOf(topic), n);
          counts[shard] = (counts[shard] ?? 0n) + 1n;
        }
        return counts;
      }),
    newestTs: (range) => disk.newestTs(range),
    async trim(marks) {
      const records = disk.records.flatMap((record) =>
        record === undefined ? [] : [{ position: record.position, slot: record.slot, ts: record.ts }],
      );
      const { spans } = spansToTrim(records, marks, 500);
      return spans.flat().reduce((sum, [first, last]) => sum + disk.trim(first, last), 0);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const retryWindowUs = 5n * 60n * 1_000_000n;

/** The store's engine in a process. */
export function makeSimStore(process: SimProcess, disk: StoreDisk, weather: EngineWeather): StorePort {
  const pause = pauseOf(process);
  let turn: Promise<unknown> = Promise.resolve();
  const read = async <T>(look: () => T): Promise<T> => {
    const { fails } = weather.store();
    await pause(weather.readMs());
    if (fails) throw new GuildhallError("STORE_UNAVAILABLE", "the store does not answer");
    return look();
  };
  return {
    open: async () => {},
    apply(batch) {
      const outcome = turn.then(async () => {
        const { ms, fails } = weather.store();
        await pause(ms);
        if (fails || !process.acts()) throw new GuildhallError("STORE_UNAVAILABLE", "the store does not answer");
        return disk.apply(batch);
      });
      turn = outcome.catch(() => {});
      return outcome;
    },
    readWatermark: (range) => read(() => disk.readWatermark(range)),
    loadState: (topic, without) => read(() => disk.loadState(topic, without)),
    loadMembers: (topic, userIds) => read(() => disk.loadMembers(topic, userIds)),
    listMembers: (topic, after, limit) => read(() => disk.listMembers(topic, after, limit)),
    loadMessages: (channelId, ids) => read(() => disk.loadMessages(channelId, ids)),
    scanMessages: (scan) => read(() => disk.scanMessages(scan)),
    readMessage: (channelId, id) => read(() => disk.readMessage(channelId, id)),
    reactionGroups: (channelId, ids) => read(() => disk.reactionGroups(channelId, ids)),
    readReactions: (keys) => read(() => disk.readReactions(keys)),
    sync: async () => {},
    forgetDeleted: async () => 0,
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The directory's engine in a process. */
export function makeSimDirectory(
  process: SimProcess,
  disk: Map<string, { readonly topic: bigint; readonly cell: number }>,
  weather: EngineWeather,
): DirectoryPort {
  const pause = pauseOf(process);
  const check = async (): Promise<void> => {
    const { ms, fails } = weather.directory();
    await pause(ms);
    if (fails || !process.acts()) throw new GuildhallError("DIRECTORY_UNAVAILABLE", "the directory does not answer");
  };
  return {
    open: async () => {},
    async put(entries) {
      await check();
      return entries.map(({ kind, key, topic, cell }) => {
        const place = `${kind}/${key}`;
        const held = disk.get(place) ?? { topic, cell };
        disk.set(place, held);
        return { kind, key, ...held };
      });
    },
    async find(keys) {
      await check();
      return keys.flatMap(({ kind, key }) => {
        const held = disk.get(`${kind}/${key}`);
        return held === undefined ? [] : [{ kind, key, ...held }];
      });
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function pauseOf(process: SimProcess): (ms: number) => Promise<void> {
  return (ms) => new Promise((resolve) => void process.timers.after(ms, resolve));
}
