import type { ShardRange } from "@guildhall/slots";
import { slotCount } from "@guildhall/slots";

/** When the last record of each slot was written (`ts`, microseconds). */
export interface SlotTimes {
  note(slot: number, ts: bigint): void;
  /** The newest `ts` of a range; 0 when it has no records. */
  newest(range: ShardRange): bigint;
}

/** Makes the times of all slots, unknown. */
export function makeSlotTimes(): SlotTimes {
  // Microseconds stay exact in a double until the year 2255.
  const times = new Float64Array(slotCount);
  return {
    note(slot, ts) {
      const time = Number(ts);
      if (time > (times[slot] as number)) times[slot] = time;
    },
    newest({ i, n }) {
      let newest = 0;
      for (let slot = i; slot < slotCount; slot += n) newest = Math.max(newest, times[slot] as number);
      return BigInt(newest);
    },
  };
}
