import { GuildhallError } from "@guildhall/errors";
import type {
  CoordinatorReply,
  CoordinatorRequest,
  CoordinatorServiceWatchMapResponse,
  MapEntry,
  Order,
  RenewHost,
} from "@guildhall/proto";
import type { SimProcess } from "../engine/sim-process.ts";
import { coordinatorCodec } from "../network/codecs.ts";
import { serveSimExchange } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";
import type { ServerEnd } from "../network/stream.ts";

/** What a scenario says instead of a coordinator: whatever it orders is ordered, right or wrong. */
export interface Script {
  /** What a renewing host is told to do. */
  orders(renewal: RenewHost): readonly Order[];
  ttlMs: number;
  /** What it keeps over restarts. */
  readonly kept: { readonly workers: Map<string, number>; nowMs: number; version: bigint };
}

const workerTtlMs = 30_000;

/** Starts a coordinator that orders what the script says, and publishes what hosts report. */
export function startScriptedCoordinator(
  network: Network,
  process: SimProcess,
  { address, script }: { readonly address: string; readonly script: Script },
): void {
  const entries = new Map<string, MapEntry>();
  const watchers = new Set<ServerEnd<unknown, CoordinatorServiceWatchMapResponse>>();
  const { kept } = script;
  const now = (): bigint => {
    kept.nowMs = Math.max(kept.nowMs, process.clock.nowMs());
    return BigInt(Math.floor(kept.nowMs));
  };
  const whole = (): CoordinatorServiceWatchMapResponse => ({
    version: kept.version,
    entries: [...entries.values()],
    fromVersion: 0n,
    removed: [],
  });
  const report = ({ host, address: at, incarnation, owned }: RenewHost): void => {
    let changed = false;
    for (const { range, epoch } of owned) {
      const key = `${range?.i}/${range?.n}`;
      if ((entries.get(key)?.epoch ?? 0) >= epoch) continue;
      entries.set(key, { range, host, address: at, epoch, incarnation, moving: undefined });
      changed = true;
    }
    if (!changed) return;
    kept.version++;
    for (const watcher of watchers) watcher.send(whole());
  };

  network.listen(address, process, {
    exchange: serveSimExchange<CoordinatorRequest, CoordinatorReply>(({ body }) => {
      switch (body?.$case) {
        case "leaseWorkerId": {
          const { incarnation } = body.value;
          const workerId = kept.workers.get(incarnation) ?? kept.workers.size;
          kept.workers.set(incarnation, workerId);
          return { $case: "leaseWorkerId", value: { workerId, ttlMs: workerTtlMs, nowMs: now() } };
        }
        case "renewHost": {
          report(body.value);
          const orders = [...script.orders(body.value)];
          return { $case: "renewHost", value: { ttlMs: script.ttlMs, nowMs: now(), orders } };
        }
        default:
          throw new GuildhallError("INVALID_FORM", "the script does not know this");
      }
    }, coordinatorCodec),
    watchMap: (end) => {
      const watcher = end as ServerEnd<unknown, CoordinatorServiceWatchMapResponse>;
      watchers.add(watcher);
      watcher.start({ onMessage() {}, onClosed: () => void watchers.delete(watcher) });
      if (entries.size > 0) watcher.send(whole());
    },
  });
}
