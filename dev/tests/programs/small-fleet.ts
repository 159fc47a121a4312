// `npm start` with small services in place of the real ones: small-fleet.ts STATE.
import { runService } from "@guildhall/lifecycle";
import { createFleet } from "../../src/fleet.ts";
import { smallPrograms, smallSpec } from "../small-programs.ts";

const [, , state = ""] = process.argv;
await runService("guildhall", ({ stopping }) =>
  createFleet({ state, spec: smallSpec, programs: smallPrograms, withDemo: false, signal: stopping }),
);
