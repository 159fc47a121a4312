import {
  type Command,
  CommandResult,
  CreateMessage,
  type HandoffOutcome,
  OrderKind,
  type SlotRange,
} from "@guildhall/proto";
import { waitFor } from "@guildhall/testing";
import type { Fleet, FleetHost } from "./fleet.ts";
import type { TestGuild } from "./guild.ts";

/** All slots. */
export const all: SlotRange = { i: 0, n: 1 };

/** Orders that a shard moves; gives the move id. */
export function orderMove(fleet: Fleet, from: FleetHost, to: FleetHost, range = all): string {
  const { name: toHost, address: toAddress, incarnation: toIncarnation } = to;
  return fleet.coordinator.order(from.name, range, {
    ...{ kind: OrderKind.ORDER_KIND_MOVE, toHost, toAddress, toIncarnation },
  });
}

/** Lets time pass, a little at a time, until something is so. */
export function passUntil<T>(fleet: Fleet, condition: () => T, stepMs = 5): Promise<NonNullable<T>> {
  return waitFor(
    async () => {
      await fleet.time.advanceAsync(stepMs);
      return condition();
    },
    { pollMs: 0 },
  );
}

/** Lets time pass until a promise has settled; its value. */
export async function settled<T>(fleet: Fleet, promise: Promise<T>, stepMs = 5): Promise<T> {
  let outcome: PromiseSettledResult<T> | undefined;
  void Promise.allSettled([promise]).then(([result]) => {
    outcome = result;
  });
  const result = await passUntil(fleet, () => outcome, stepMs);
  if (result.status === "rejected") throw result.reason;
  return (result as PromiseFulfilledResult<T>).value;
}

/** What came of an order, once that is told. */
export function outcomeOf(fleet: Fleet, moveId: string): Promise<HandoffOutcome> {
  return passUntil(fleet, () => fleet.coordinator.outcomeOf(moveId));
}

/** A command that posts a message. */
export function message(fleet: Fleet, { owner, channelId }: TestGuild, content: string): Command {
  const value = CreateMessage.fromPartial({ channelId, content });
  return fleet.commandOf(owner, { $case: "createMessage", value });
}

/** What was said, in the journal's order. */
export function said(fleet: Fleet): string[] {
  return fleet.journal.records.flatMap(({ result }) => {
    const { json } = CommandResult.decode(result);
    const { content } = json.length > 0 ? (JSON.parse(json.toString()) as { content?: string }) : {};
    return content === undefined || content === "" ? [] : [content];
  });
}
