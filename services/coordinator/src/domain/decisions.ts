import type { Keeper } from "./keeper.ts";
import type { DecisionRow } from "./kept.ts";
import type { Clock } from "./time.ts";

/** What was decided and why, the newest last; the same decision on the same subject in a row is one, with a count. */
export interface Decisions {
  note(subject: string, action: string, reason: string): void;
  list(): readonly DecisionRow[];
}

const maxDecisions = 200;

/** Makes the list from what was kept. */
export function makeDecisions(keeper: Keeper, clock: Clock): Decisions {
  const list = [...keeper.rows("decision").values()].sort((a, b) => a.number - b.number);
  const latest = new Map(list.map((row) => [row.subject, row]));
  const put = (row: DecisionRow): void => keeper.put("decision", String(row.number), row);

  function forgetOldest(): void {
    const oldest = list.shift();
    if (oldest === undefined) return;
    keeper.drop("decision", String(oldest.number));
    if (latest.get(oldest.subject) === oldest) latest.delete(oldest.subject);
  }

  return {
    note(subject, action, reason) {
      const nowMs = clock.nowMs();
      const last = latest.get(subject);
      if (last !== undefined && last.action === action && last.reason === reason) {
        const again = { ...last, lastMs: nowMs, times: last.times + 1 };
        list[list.indexOf(last)] = again;
        latest.set(subject, again);
        put(again);
        return;
      }
      const number = (list.at(-1)?.number ?? 0) + 1;
      const row = { number, atMs: nowMs, lastMs: nowMs, times: 1, subject, action, reason };
      list.push(row);
      latest.set(subject, row);
      put(row);
      while (list.length > maxDecisions) forgetOldest();
    },
    list: () => list,
  };
}
