import type { CoordinatorClient } from "@guildhall/rpc";

/** The way to the coordinator, opened when it is first needed. */
export interface CoordinatorLink extends AsyncDisposable {
  client(): Promise<CoordinatorClient>;
}

/** A link to the coordinator at an address. */
export function makeCoordinatorLink(address: string): CoordinatorLink {
  let opened: Promise<CoordinatorClient> | undefined;
  const open = async (): Promise<CoordinatorClient> => {
    // gRPC takes 0.3 s to load: the processes start meanwhile.
    const { createCoordinatorClient } = await import("@guildhall/rpc");
    return createCoordinatorClient(address, { self: "dev" });
  };
  return {
    client() {
      opened ??= open();
      return opened;
    },
    async [Symbol.asyncDispose]() {
      await (await opened)?.[Symbol.asyncDispose]();
    },
  };
}
