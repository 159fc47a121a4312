import { makeCoordinator } from "@guildhall/guild/clients/coordinator";
import { makeDirectory, makeJournal, makeStore } from "@guildhall/guild/clients/data";
import { makeMemberships } from "@guildhall/guild/clients/memberships";
import {
  allHostGuards,
  type ConfirmGuards,
  defaultLimits,
  type Host,
  type HostGuards,
  type HostLimits,
  type HostPorts,
  type Journal,
  makeBoundedStore,
  makeConfirmingJournal,
  makeHost,
  type Peer,
  type Store,
} from "@guildhall/guild/domain";
import type {
  CoordinatorReply,
  CoordinatorRequest,
  DataReply,
  DataRequest,
  HandoffReply,
  HandoffRequest,
  UserReply,
  UserRequest,
} from "@guildhall/proto";
import type { CoordinatorClient, DataClient, UserClient } from "@guildhall/rpc";
import { makeBackoff, makeWorkerLease } from "@guildhall/rpc/lease";
import { makeShardMap } from "@guildhall/slots";
import type { Random } from "../engine/random.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { makeSimPublisher } from "../network/bus-streams.ts";
import { handoffCodec, topicCodec } from "../network/codecs.ts";
import { type Message, makeSimClient, type SimClient, serveSimExchange } from "../network/exchange.ts";
import { watchMap } from "../network/map-stream.ts";
import type { Network } from "../network/network.ts";
import { makeSimLog } from "./log.ts";

/** Where a host finds the others, and how it is set. */
export interface HostOptions {
  readonly address: string;
  readonly data: string;
  readonly coordinator: string;
  readonly users: readonly string[];
  readonly routers: readonly string[];
  readonly random: Random;
  readonly limits?: Partial<HostLimits>;
  readonly guards?: Partial<HostGuards>;
  /** The log that is the journal, instead of the one at `data`. */
  readonly log?: { readonly address: string; readonly partitions: number; readonly guards: ConfirmGuards } | undefined;
  readonly onWarning: (what: string, details: Readonly<Record<string, unknown>>) => void;
  readonly onHandoff: HostPorts["reporter"]["handoffEnded"];
  readonly onHost: (host: Host) => void;
}

/** Starts a host: the real one, on simulated ports. */
export async function startHost(network: Network, process: SimProcess, options: HostOptions): Promise<void> {
  const { name, incarnation, timers } = process;
  const coordinator = client<CoordinatorRequest, CoordinatorReply>(network, process, options.coordinator);
  const lease = await makeWorkerLease({
    ...{ process: name, incarnation, clock: process.clock, timers },
    backoff: makeBackoff(options.random.next),
    ask: (ask, { timeoutMs }) => coordinator.call("leaseWorkerId", ask, { timeoutMs }),
  });
  const data = client<DataRequest, DataReply>(network, process, options.data) as unknown as DataClient;
  const ownerMap = makeShardMap();
  watchMap(network, process, { coordinator: options.coordinator, map: ownerMap });
  const host = makeHost(
    {
      ...makeJournalPorts(network, process, data, options),
      directory: makeDirectory(data),
      memberships: makeMemberships(
        options.users.map(
          (address) => client<UserRequest, UserReply>(network, process, address) as unknown as UserClient,
        ),
      ),
      bus: makeSimPublisher(network, process, options.routers, `${name}/${incarnation}`),
      coordinator: makeCoordinator(coordinator as unknown as CoordinatorClient),
      peers: makeSimPeers(network, process),
      ownerMap,
      statistics: { cpuSeconds: () => process.clock.monotonicMs() / 10_000, memoryBytes: () => 100_000_000 },
      clock: lease.clock,
      timers,
      ids: lease.generator,
      reporter: { warn: options.onWarning, handoffEnded: options.onHandoff },
    },
    {
      ...{ name, address: options.address, incarnation, version: "sim" },
      limits: { ...defaultLimits, ...options.limits },
    },
    { ...allHostGuards, ...options.guards },
  );
  options.onHost(host);
  network.listen(options.address, process, {
    exchange: serveSimExchange((request) => host.handle(request), topicCodec),
    handoff: serveSimExchange((request) => host.handoff(request), handoffCodec),
  });
}

/** Journal and store: by what `data` keeps, or by a log that takes whatever it is sent. */
function makeJournalPorts(
  network: Network,
  process: SimProcess,
  data: DataClient,
  { log }: HostOptions,
): { readonly journal: Journal; readonly store: Store } {
  if (log === undefined) return { journal: makeJournal(data), store: makeStore(data) };
  const { incarnation: writer } = process;
  const journal = makeConfirmingJournal(makeSimLog(network, process, log), { writer }, log.guards);
  return { journal, store: makeBoundedStore(makeStore(data), journal) };
}

function client<Req extends Message, Rep extends Message>(
  network: Network,
  process: SimProcess,
  address: string,
): SimClient<Req, Rep> {
  return makeSimClient<Req, Rep>(network, { process, address, service: "exchange" });
}

const handoffTimeoutMs = 5_000;
const beginTimeoutMs = 30_000;

/** Other hosts, to hand shards over to. */
function makeSimPeers(network: Network, process: SimProcess): { at(address: string): Peer } {
  const clients = new Map<string, SimClient<HandoffRequest, HandoffReply>>();
  const clientOf = (address: string): SimClient<HandoffRequest, HandoffReply> => {
    let known = clients.get(address);
    if (known === undefined) {
      known = makeSimClient<HandoffRequest, HandoffReply>(network, { process, address, service: "handoff" });
      clients.set(address, known);
    }
    return known;
  };
  return {
    at: (address) => ({
      begin: (begin) => clientOf(address).call("begin", begin, { timeoutMs: beginTimeoutMs }),
      copy: (copy) => clientOf(address).call("copy", copy, { timeoutMs: handoffTimeoutMs }),
      commit: (commit) => clientOf(address).call("commit", commit, { timeoutMs: handoffTimeoutMs }),
      abandon: async (moveId) => {
        await clientOf(address).call("abandon", { moveId }, { timeoutMs: handoffTimeoutMs });
      },
    }),
  };
}
