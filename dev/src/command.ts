import { runService } from "@guildhall/lifecycle";
import { announce } from "./announcement.ts";
import { createFleet } from "./fleet.ts";
import { parseOptions, usage } from "./options.ts";

/** `npm start`: runs a fleet until it is told to stop. */
export async function runCommand(args: readonly string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return;
  }
  await runService("guildhall", async ({ stopping }) => {
    const options = parseOptions(args);
    const startedMs = performance.now();
    const fleet = await createFleet({ ...options, output: process.stdout, signal: stopping });
    process.stdout.write(await announce(fleet, performance.now() - startedMs));
    return fleet;
  });
}
