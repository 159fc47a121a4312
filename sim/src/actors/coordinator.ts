import { makeEpochSource } from "@guildhall/coordinator/clients/epochs";
import { makeTopicSource } from "@guildhall/coordinator/clients/topics";
import {
  answer,
  type Coordinator,
  type CoordinatorStore,
  createCoordinator,
  type EpochSource,
  fromMapDelta,
} from "@guildhall/coordinator/domain";
import { GuildhallError } from "@guildhall/errors";
import { makeConfirmingJournal } from "@guildhall/guild/domain";
import type { CoordinatorReply, CoordinatorRequest, DataReply, DataRequest } from "@guildhall/proto";
import type { DataClient } from "@guildhall/rpc";
import type { Random } from "../engine/random.ts";
import type { SimProcess } from "../engine/sim-process.ts";
import { coordinatorCodec } from "../network/codecs.ts";
import { makeSimClient, serveSimExchange } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";
import type { ServerEnd } from "../network/stream.ts";
import { makeSimLog } from "./log.ts";

/** What a coordinator begins with, and where it finds `data`. */
export interface CoordinatorOptions {
  readonly address: string;
  readonly data: string;
  /** The log that is the journal, instead of the one at `data`. */
  readonly log?: { readonly address: string; readonly partitions: number };
  readonly shards: number;
  readonly hosts: readonly string[];
  readonly store: CoordinatorStore;
  readonly random: Random;
  /** Whether nothing can be written now. */
  readonly isStoreDown: () => boolean;
  readonly windowMs?: number;
  readonly onFailure: (what: string, error: unknown) => void;
  readonly onCoordinator: (coordinator: Coordinator) => void;
}

const meanSaveMs = 1.5;

/** Starts a coordinator: the real one, on simulated ports. */
export async function startCoordinator(
  network: Network,
  process: SimProcess,
  options: CoordinatorOptions,
): Promise<void> {
  const data = makeSimClient<DataRequest, DataReply>(network, {
    process,
    address: options.data,
    service: "exchange",
  }) as unknown as DataClient;
  let ids = 0;
  const coordinator = await createCoordinator(
    { shards: options.shards, hosts: options.hosts, ...(options.windowMs && { windowMs: options.windowMs }) },
    {
      clock: process.clock,
      timers: process.timers,
      newId: () => `${process.incarnation}.${++ids}`,
      store: slowStore(process, options),
      readEpochs: options.log === undefined ? makeEpochSource(data) : epochsOfLog(network, process, options.log),
      countTopics: makeTopicSource(data),
      onEpochFailure: (error) => options.onFailure("reading EPOCHs", error),
      onFailure: (error) => options.onFailure("writing", error),
      onDeposed(error) {
        options.onFailure("deposed", error);
        process.crash();
      },
    },
  );
  options.onCoordinator(coordinator);
  network.listen(options.address, process, {
    exchange: serveSimExchange<CoordinatorRequest, CoordinatorReply>(({ body }) => {
      if (body === undefined) throw new GuildhallError("INVALID_FORM", "the request asks for nothing");
      return answer(coordinator, body);
    }, coordinatorCodec),
    watchMap: (end) => acceptWatcher(end, coordinator),
  });
}

/** The last EPOCHs, by a journal that is only read. */
function epochsOfLog(
  network: Network,
  process: SimProcess,
  log: { readonly address: string; readonly partitions: number },
): EpochSource {
  const journal = makeConfirmingJournal(makeSimLog(network, process, log), { writer: process.incarnation });
  return async () =>
    (await journal.readEpochs({ i: 0, n: 1 })).flatMap(({ range, ...row }) =>
      range === undefined ? [] : [{ range, ...row }],
    );
}

function acceptWatcher(end: ServerEnd<unknown, unknown>, coordinator: Coordinator): void {
  const write = (): void => {
    const delta = watch.take();
    if (delta !== undefined) end.send(fromMapDelta(delta));
  };
  const watch = coordinator.watchMap(write);
  end.start({ onMessage() {}, onClosed: () => watch[Symbol.dispose]() });
  write();
}

/** The store as the process sees it: it takes time, and a dead process writes nothing. */
function slowStore(process: SimProcess, { store, random, isStoreDown }: CoordinatorOptions): CoordinatorStore {
  const pause = (): Promise<void> =>
    new Promise((resolve) => void process.timers.after(random.exponential(meanSaveMs), resolve));
  const slowly = async <T>(act: () => Promise<T>, fails: () => boolean = isStoreDown): Promise<T> => {
    await pause();
    if (!process.acts()) return new Promise<never>(() => {});
    if (fails()) throw new GuildhallError("STORE_UNAVAILABLE", "the disk refused it");
    const done = act();
    // Whatever it says is heard later.
    done.catch(() => {});
    await pause();
    return done;
  };
  return {
    // One that cannot even begin would end, and be started again until it can.
    claim: () =>
      slowly(
        () => store.claim(),
        () => false,
      ),
    save: (save) => slowly(() => store.save(save)),
    generation: () => slowly(() => store.generation()),
    [Symbol.asyncDispose]: async () => {},
  };
}
