import type { Ablation } from "./ablation.ts";
import { beats, confirmedJoin, generation, heads } from "./gateway-ablations.ts";
import { confirm, fencing, idRule, nonceWindow, readCheck, retryTable, retryWindow } from "./host-ablations.ts";
import { mapGuards } from "./map-ablations.ts";
import { moveId, seal } from "./move-ablations.ts";

/** Every protection, with a schedule in which only it helps. */
export const ablations: readonly Ablation[] = [
  ...[fencing, confirm, readCheck, retryTable, retryWindow, nonceWindow, idRule],
  ...[seal, moveId, mapGuards],
  ...[beats, heads, confirmedJoin, generation],
];
