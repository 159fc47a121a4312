import type { Part } from "@guildhall/operator/plan";
import type { DataClient, GatewayClient, HandoffClient, UserClient } from "@guildhall/rpc";
import type { FleetContext } from "../context.ts";

/** A client for one question needs no more. */
const options = { self: "dev", timeoutMs: 3_000 };

/** The processes of a part that run, also those that are planned no more. */
export function namesOfPart({ supervisor }: Pick<FleetContext, "supervisor">, part: Part): string[] {
  return [...supervisor.children.keys()].filter((name) => supervisor.partOf(name) === part).sort();
}

/** Asks one gateway, within 3 s unless the question says otherwise. */
export async function askGateway<T>(
  { places }: Pick<FleetContext, "places">,
  name: string,
  ask: (client: GatewayClient) => Promise<T>,
): Promise<T> {
  const { createGatewayClient } = await import("@guildhall/rpc");
  await using client = createGatewayClient(places.address(name), options);
  return await ask(client);
}

/** The same of one host. */
export async function askHost<T>(
  { places }: Pick<FleetContext, "places">,
  name: string,
  ask: (client: HandoffClient) => Promise<T>,
): Promise<T> {
  const { createHandoffClient } = await import("@guildhall/rpc");
  await using client = createHandoffClient(places.address(name), options);
  return await ask(client);
}

/** The same of the data process. */
export async function askData<T>(
  { places }: Pick<FleetContext, "places">,
  name: string,
  ask: (client: DataClient) => Promise<T>,
): Promise<T> {
  const { createDataClient } = await import("@guildhall/rpc");
  await using client = createDataClient(places.address(name), options);
  return await ask(client);
}

/** The same of the process of accounts. */
export async function askUser<T>(
  { places }: Pick<FleetContext, "places">,
  name: string,
  ask: (client: UserClient) => Promise<T>,
): Promise<T> {
  const { createUserClient } = await import("@guildhall/rpc");
  await using client = createUserClient(places.address(name), options);
  return await ask(client);
}
