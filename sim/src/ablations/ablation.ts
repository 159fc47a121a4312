import type { Violation } from "../checks/evidence.ts";
import type { JournalKind, WorldGuards } from "../world/world.ts";
import { Scene } from "./scene.ts";

/** A schedule in which nothing but one protection helps (or one of a pair that does the same). */
export interface Ablation {
  readonly name: string;
  /** What of the production modules is switched off. */
  readonly off: WorldGuards;
  /** Of which journal it is; default: the refusing one. */
  readonly journal?: JournalKind;
  /** Whether somebody listens at gateways. */
  readonly hasGateways?: boolean;
  /** Of several that do the same: switched off alone, each is made up for by the others. */
  readonly each?: readonly WorldGuards[];
  /** The name of the check that finds what comes of that, whatever else is found besides. */
  readonly finds: string;
  /** Plays the schedule. */
  play(scene: Scene): Promise<void>;
}

/** Plays a schedule, and gives what the checks find. */
export async function playAblation(
  ablation: Ablation,
  seed: number,
  guards: WorldGuards,
): Promise<readonly Violation[]> {
  const { journal = "refusing", hasGateways = false } = ablation;
  const scene = new Scene(seed, { guards, journal, gateways: hasGateways ? 2 : 0 });
  await scene.set();
  await ablation.play(scene);
  return scene.violations();
}
