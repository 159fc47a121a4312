import { GuildhallError } from "@guildhall/errors";
import type { NotOwner, TopicRequest } from "@guildhall/proto";
import { type MapEntry, type MapUpdate, makeShardMap, slotOf } from "@guildhall/slots";
import { addresseeOf } from "./addressee.ts";
import { makeDirectory } from "./directory.ts";
import { makeForwarder } from "./forwarder.ts";
import { askHeads } from "./heads.ts";
import { readHistory } from "./history.ts";
import { makeHostPool } from "./host-pool.ts";
import type { Answer, Clock, ConnectHost, DataPort, Timers } from "./ports.ts";
import type { Verdict } from "./verdict.ts";
import { makeWaitingRoom, type WaitingLimits } from "./waiting-room.ts";

/** How much the router holds at once. */
export interface RouterLimits {
  readonly inFlight: number;
  readonly waiting: WaitingLimits;
}

/** What the router uses. `random` gives numbers from 0 to 1; `sizeOf` the bytes that a request holds. */
export interface RouterPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  readonly data: DataPort;
  readonly connect: ConnectHost;
  readonly sizeOf: (request: TopicRequest) => number;
  /** An attempt at a host did not bring the answer. */
  readonly onRetry: (reason: Verdict["kind"]) => void;
}

/** What the router holds now. */
interface RouterStatus {
  readonly inFlight: number;
  readonly sent: number;
  readonly waiting: number;
  readonly waitingBytes: number;
  readonly hosts: number;
  readonly mapVersion: number;
  readonly shards: number;
  readonly directoryFinds: number;
  readonly directoryPending: number;
}

/** Ingress of commands and reads for topics. */
export interface Router extends AsyncDisposable {
  /**
   * Brings a request to the owner of its topic and resolves to the answer, failures of the host included. Rejects with
   * GuildhallError: OVERLOADED, INVALID_FORM, what `Directory.find` and `Forwarder.forward` reject with, and for history
   * UNKNOWN_MESSAGE or STORE_UNAVAILABLE.
   */
  route(request: TopicRequest): Promise<Answer>;
  /** Takes the coordinator's map; an older one does nothing. */
  applyMap(update: MapUpdate): void;
  /** Takes a host's word that it owns a range; a lower epoch does nothing. */
  learnOwner(entry: MapEntry): void;
  /** Refuses what comes and what waits; what hosts are doing is still answered. */
  drain(): void;
  status(): RouterStatus;
}

const defaultLimits: RouterLimits = {
  inFlight: 20_000,
  waiting: { perShard: 2_000, perShardBytes: 16 << 20, total: 10_000, totalBytes: 64 << 20 },
};
/** The longest that a request is tried; a host refuses what is older than 2 minutes. */
const maxTimeoutMs = 30_000;
const retryAfterMs = 1_000;

/** Makes a router that knows nothing yet. */
export function makeRouter(ports: RouterPorts, limits: RouterLimits = defaultLimits): Router {
  const { clock, timers, data } = ports;
  const map = makeShardMap();
  const room = makeWaitingRoom({ timers, limits: limits.waiting });
  const hosts = makeHostPool({ clock, timers, connect: ports.connect, onUp: room.streamUp });
  const directory = makeDirectory({ clock, data });
  const forwarder = makeForwarder({ ...ports, map, hosts, room, learn: learnNotOwner });
  let inFlight = 0;
  let draining = false;

  function learnOwner(entry: MapEntry): void {
    if (entry.epoch > 0 && entry.address !== "" && map.learn(entry)) forwarder.ownersChanged();
  }

  function learnNotOwner({ range, host, address, epoch, incarnation }: NotOwner): void {
    if (range !== undefined)
      learnOwner({ range, host, address: address || addressOf(incarnation), epoch, incarnation });
  }

  /** A host knows by the journal who owns a slot, but not where that is reached. */
  function addressOf(incarnation: string): string {
    return map.entries().find((entry) => entry.incarnation === incarnation)?.address ?? "";
  }

  async function deliver(request: TopicRequest): Promise<Answer> {
    const { body, traceparent } = request;
    const deadlineMs = clock.monotonicMs() + Math.min(request.timeoutMs || maxTimeoutMs, maxTimeoutMs);
    if (body?.$case === "heads") {
      const value = await askHeads(request, body.value.topics, { clock, timers, map, hosts, learn: learnNotOwner });
      return { $case: "heads", value };
    }
    const addressee = addresseeOf(request);
    const topic = addressee.topic ?? (await directory.find(addressee.key));
    const answer = await forwarder.forward({ ...request, topic }, slotOf(topic), deadlineMs);
    if (answer.$case !== "read" || answer.value.of?.$case !== "history" || body?.$case !== "read") return answer;
    const granted = { read: body.value, traceparent, grant: answer.value.of.value, deadlineMs };
    return { $case: "read", value: await readHistory(granted, { clock, data }) };
  }

  return {
    async route(request) {
      if (draining) throw new GuildhallError("DRAINING", "the router is stopping", { retryAfterMs });
      if (inFlight >= limits.inFlight) {
        throw new GuildhallError("OVERLOADED", `${limits.inFlight} requests are under way`, { retryAfterMs });
      }
      inFlight += 1;
      try {
        return await deliver(request);
      } finally {
        inFlight -= 1;
      }
    },
    applyMap(update) {
      if (map.apply(update)) forwarder.ownersChanged();
    },
    learnOwner,
    drain() {
      draining = true;
      forwarder.drain();
    },
    status: () => ({
      inFlight,
      sent: forwarder.sent(),
      waiting: room.counts().waiting,
      waitingBytes: room.counts().bytes,
      hosts: hosts.size(),
      mapVersion: map.version,
      shards: map.entries().length,
      directoryFinds: directory.counts().finds,
      directoryPending: directory.counts().pending,
    }),
    [Symbol.asyncDispose]: () => hosts[Symbol.asyncDispose](),
  };
}
