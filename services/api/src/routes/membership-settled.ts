import { setTimeout as sleep } from "node:timers/promises";
import { type Call, identityOf } from "./route.ts";

/** Longest that an answer is held back for it. */
const patienceMs = 250;
const pauseMs = 5;

/**
 * Waits, not for long, until the accounts know that the caller is in a guild: its host has decided so and tells them
 * afterwards. The caller's next request or session then finds the guild. Never fails.
 */
export async function membershipSettled(call: Call<unknown, unknown, unknown>, guildId: bigint): Promise<void> {
  const over = new AbortController();
  const late = sleep(patienceMs, undefined, { ref: false });
  try {
    await Promise.race([untilKnown(call, guildId, over.signal), late]);
  } finally {
    over.abort();
  }
}

async function untilKnown(call: Call<unknown, unknown, unknown>, guildId: bigint, over: AbortSignal): Promise<void> {
  const { actor } = identityOf(call);
  try {
    while (!over.aborted) {
      const rows = await call.context.users.memberships(actor, call.traceparent);
      if (rows.some((row) => row.guildId === guildId && row.member)) return;
      await sleep(pauseMs);
    }
  } catch {
    // Nobody to ask: the accounts are told when they are back.
  }
}
