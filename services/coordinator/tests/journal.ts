import { decideEpoch, type EpochAsk, type EpochRow, formatRange, rangeContains } from "@guildhall/slots";

/** A journal that decides EPOCHs as `data` does. */
export interface Journal {
  readonly rows: Map<string, EpochRow>;
  down: boolean;
  readings: number;
  take(ask: EpochAsk): boolean;
  ownerOf(slot: number): EpochRow | undefined;
}

export function makeJournal(): Journal {
  const rows = new Map<string, EpochRow>();
  const ownerOf = (slot: number): EpochRow | undefined =>
    [...rows.values()].filter(({ range }) => rangeContains(range, slot)).sort((a, b) => b.epoch - a.epoch)[0];
  return {
    rows,
    down: false,
    readings: 0,
    ownerOf,
    take({ prev, ...row }) {
      const { taken } = decideEpoch(ownerOf(row.range.i), { ...row, prev });
      if (taken) rows.set(formatRange(row.range), row);
      return taken;
    },
  };
}
