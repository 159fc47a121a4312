import {
  createCoordinatorClient,
  createRouterClient,
  createUserClient,
  createWorkerLease,
  type RouterClient,
  type UserClient,
  type WorkerLease,
} from "@guildhall/rpc";
import type { FleetHandle } from "./fleet.ts";

/** How the tool talks to the services: over the sockets in the state folder, which only its owner can open. */
export interface Clients extends AsyncDisposable {
  readonly user: UserClient;
  readonly router: RouterClient;
  /** A new request id. */
  readonly nextId: () => bigint;
}

const self = "cli";

/** Connects to user, router and coordinator. */
export async function createClients(fleet: FleetHandle): Promise<Clients> {
  await using stack = new AsyncDisposableStack();
  const user = stack.use(createUserClient(fleet.socketOf("user-0"), { self }));
  const router = stack.use(createRouterClient(fleet.socketOf("router-0"), { self }));
  const coordinator = stack.use(createCoordinatorClient(fleet.socketOf("coordinator-0"), { self }));
  const signal = AbortSignal.timeout(10_000);
  const lease: WorkerLease = stack.use(await createWorkerLease(coordinator, { process: self, signal }));
  const owned = stack.move();
  return {
    user,
    router,
    nextId: () => lease.generator.next(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
