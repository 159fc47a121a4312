import { setTimeout as delay } from "node:timers/promises";
import { GuildhallError, toGuildhallError } from "@guildhall/errors";

const giveUpMs = 30_000;
const firstMs = 50;
const mostMs = 1_000;

/** Does something again while its failure says that this may help, for at most 30 s. */
export async function persistently<Result>(work: () => Promise<Result>): Promise<Result> {
  const untilMs = performance.now() + giveUpMs;
  for (let waitMs = firstMs; ; waitMs = Math.min(mostMs, waitMs * 2)) {
    try {
      return await work();
    } catch (error) {
      if (!toGuildhallError(error).shouldRetry() || performance.now() > untilMs) throw error;
      await delay(waitMs);
    }
  }
}

/** Waits until something is so, for at most 30 s. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  await persistently(async () => {
    if (!(await isSo())) throw new GuildhallError("UNAVAILABLE", "the demo's members have not arrived in its guild");
  });
}
