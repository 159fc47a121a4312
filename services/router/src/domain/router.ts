import { GuildhallError } from "@guildhall/errors";
import type { TopicRequest } from "@guildhall/proto";
import { type MapEntry, type MapGuards, type MapUpdate, type ShardMap, slotOf } from "@guildhall/slots";
import { addresseeOf } from "./addressee.ts";
import { makeDirectory } from "./directory.ts";
import { makeForwarder } from "./forwarder.ts";
import { askHeads } from "./heads.ts";
import { readHistory } from "./history.ts";
import { makeHostPool } from "./host-pool.ts";
import { makeOwners } from "./owners.ts";
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
  /** Where the coordinator's map goes, whole and by what changes. */
  readonly map: Pick<ShardMap, "version" | "applyDelta">;
  /** Takes a whole map; an older one does nothing. */
  applyMap(update: MapUpdate): void;
  /** Takes a host's word that it owns a range; a lower epoch does nothing. */
  learnOwner(entry: MapEntry): void;
  /** Refuses what comes and what waits; what hosts are doing is still answered. */
  drain(): void;
  status(): RouterStatus;
}

const defaultLimits: RouterLimits = {
  inFlight: 20_000,
  waiting: {
    slot: { count: 2_000, bytes: 16 << 20 },
    host: { count: 8_000, bytes: 48 << 20 },
    all: { count: 10_000, bytes: 64 << 20 },
  },
};
/** The longest that a command is tried; a host refuses what is older than 2 minutes. */
const maxCommandMs = 30_000;
/** The longest that anything else is tried: another host serves a killed one's topics within 10 s, else nobody soon. */
const maxReadMs = 11_000;
const retryAfterMs = 1_000;

/** Makes a router that knows nothing yet. */
export function makeRouter(ports: RouterPorts, limits: RouterLimits = defaultLimits, guards?: MapGuards): Router {
  const { clock, timers, data } = ports;
  const room = makeWaitingRoom({ timers, limits: limits.waiting });
  const hosts = makeHostPool({ clock, timers, connect: ports.connect, onUp: room.streamUp });
  const directory = makeDirectory({ clock, data });
  const owners = makeOwners({ hosts, guards, onChange: () => forwarder.ownersChanged() });
  const { map, learnNotOwner } = owners;
  const forwarder = makeForwarder({ ...ports, map, hosts, room, learn: learnNotOwner });
  let inFlight = 0;
  let draining = false;

  async function deliver(request: TopicRequest): Promise<Answer> {
    const { body, traceparent } = request;
    const longestMs = body?.$case === "command" ? maxCommandMs : maxReadMs;
    const deadlineMs = clock.monotonicMs() + Math.min(request.timeoutMs || longestMs, longestMs);
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
    map,
    applyMap: (update) => void map.apply(update),
    learnOwner: owners.learn,
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
