import type { Ablation } from "./ablation.ts";
import { fencing, idRule, readCheck, retryTable, retryWindow } from "./host-ablations.ts";
import { mapGuards } from "./map-ablations.ts";
import { moveId, seal } from "./move-ablations.ts";

/** Every protection, with a schedule in which only it helps. */
export const ablations: readonly Ablation[] = [
  fencing,
  readCheck,
  retryTable,
  retryWindow,
  idRule,
  seal,
  moveId,
  mapGuards,
];
