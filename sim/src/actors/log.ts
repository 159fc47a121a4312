import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { LogEntry, LogPage, PartitionLog } from "@guildhall/guild/domain";
import type { Failure } from "@guildhall/proto";
import type { SimProcess } from "../engine/sim-process.ts";
import type { EngineWeather } from "../model/engines.ts";
import type { LogDisk } from "../model/log-disk.ts";
import { fromFailure, makeSimClient, serveSimExchange } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";

interface LogRequest {
  id: bigint;
  body:
    | { $case: "produce"; value: { readonly partition: number; readonly entries: readonly LogEntry[] } }
    | { $case: "read"; value: { readonly partition: number; readonly from: bigint; readonly limit: number } }
    | undefined;
}

interface LogReply {
  id: bigint;
  body:
    | { $case: "produce"; value: bigint }
    | { $case: "read"; value: LogPage }
    | { $case: "failure"; value: Failure }
    | undefined;
}

const produceTimeoutMs = 5_000;
const readTimeoutMs = 5_000;

/** Starts the broker of a log on its disk. Several batches may be under way at once, and land in any order. */
export function startLog(
  network: Network,
  process: SimProcess,
  { address, disk, weather }: { readonly address: string; readonly disk: LogDisk; readonly weather: EngineWeather },
): void {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void process.timers.after(ms, resolve));
  const produce = async (partition: number, entries: readonly LogEntry[]): Promise<bigint> => {
    const { beforeMs, afterMs, is, lands } = weather.journal([]);
    await pause(beforeMs);
    const isWritten = (is === "fine" || lands === true) && process.acts();
    const base = isWritten ? disk.produce(partition, entries) : 0n;
    await pause(afterMs);
    if (is === "failed") throw new GuildhallError("JOURNAL_UNAVAILABLE", "the log takes nothing now");
    if (is === "unknown") throw new GuildhallError("OUTCOME_UNKNOWN", "too few replicas answered");
    return base;
  };
  network.listen(address, process, {
    exchange: serveSimExchange<LogRequest, LogReply>(async ({ body }): Promise<LogReply["body"]> => {
      switch (body?.$case) {
        case "produce":
          return { $case: "produce", value: await produce(body.value.partition, body.value.entries) };
        case "read": {
          await pause(weather.readMs());
          if (weather.readFails()) throw new GuildhallError("JOURNAL_UNAVAILABLE", "the log cannot be read");
          const { partition, from, limit } = body.value;
          return { $case: "read", value: disk.read(partition, from, limit) };
        }
        default:
          throw new GuildhallError("INVALID_FORM", "nothing is asked");
      }
    }),
  });
}

/** The log as a process reaches it. */
export function makeSimLog(
  network: Network,
  process: SimProcess,
  { address, partitions }: { readonly address: string; readonly partitions: number },
): PartitionLog {
  const client = makeSimClient<LogRequest, LogReply>(network, { process, address, service: "exchange" });
  const ask = async (body: LogRequest["body"], timeoutMs: number): Promise<LogReply["body"]> => {
    const reply = await client.callRaw({ body }, { timeoutMs });
    if (reply.body?.$case === "failure") throw fromFailure(reply.body.value);
    return reply.body;
  };
  return {
    partitions,
    async produce(partition, entries) {
      try {
        const body = await ask({ $case: "produce", value: { partition, entries } }, produceTimeoutMs);
        return body?.$case === "produce" ? body.value : 0n;
      } catch (error) {
        const code = isGuildhallError(error) ? error.code : "INTERNAL";
        const isCertain = code === "UNAVAILABLE" || code === "QUEUE_FULL" || code === "JOURNAL_UNAVAILABLE";
        throw new GuildhallError(isCertain ? "JOURNAL_UNAVAILABLE" : "OUTCOME_UNKNOWN", `producing: ${code}`, {
          cause: error,
        });
      }
    },
    async read(partition, from, limit) {
      const body = await ask({ $case: "read", value: { partition, from, limit } }, readTimeoutMs);
      return body?.$case === "read" ? body.value : { entries: [], end: from };
    },
  };
}
