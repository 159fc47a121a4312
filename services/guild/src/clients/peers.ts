import { createHandoffClient, type HandoffClient, type ServiceClientOptions } from "@guildhall/rpc";
import type { Peer, Peers } from "../domain/ports.ts";

// A host hands over to few others at a time; the one not used for longest goes.
const maxClients = 16;
// A receiver lets go of what it has read after 10 s.
const beginTimeoutMs = 12_000;
const copyTimeoutMs = 5_000;
// The giver has long decided otherwise by then.
const commitTimeoutMs = 5_000;

/** Other hosts over gRPC: a connection to each that was lately handed something. */
export function makePeers(options: ServiceClientOptions): Peers & AsyncDisposable {
  const clients = new Map<string, HandoffClient>();

  const clientOf = (address: string): HandoffClient => {
    const client = clients.get(address) ?? createHandoffClient(address, options);
    clients.delete(address);
    clients.set(address, client);
    for (const [oldest, idle] of clients) {
      if (clients.size <= maxClients) break;
      clients.delete(oldest);
      void idle[Symbol.asyncDispose]();
    }
    return client;
  };

  return {
    at: (address): Peer => ({
      begin: (begin) => clientOf(address).call("begin", begin, { timeoutMs: beginTimeoutMs }),
      copy: (copy) => clientOf(address).call("copy", copy, { timeoutMs: copyTimeoutMs }),
      commit: (commit) => clientOf(address).call("commit", commit, { timeoutMs: commitTimeoutMs }),
      abandon: async (moveId) => {
        await clientOf(address).call("abandon", { moveId }, { timeoutMs: copyTimeoutMs });
      },
    }),
    async [Symbol.asyncDispose]() {
      await Promise.all([...clients.values()].map((client) => client[Symbol.asyncDispose]()));
    },
  };
}
