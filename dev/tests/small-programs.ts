import { fileURLToPath } from "node:url";
import type { Programs } from "../src/programs.ts";

/** A small process in place of every service. */
export const smallProgram = fileURLToPath(new URL("./programs/small-service.ts", import.meta.url));

/** The same for each part. */
export const smallPrograms: Programs = {
  data: smallProgram,
  coordinator: smallProgram,
  router: smallProgram,
  user: smallProgram,
  guild: smallProgram,
  gateway: smallProgram,
  api: smallProgram,
};

/** A fleet of as few processes as there can be, on free ports. */
export const smallSpec = {
  apiVersion: "guildhall.dev/v1alpha1",
  kind: "ShardSet",
  metadata: { name: "small" },
  spec: {
    shards: 1,
    guild: { hosts: 1 },
    gateway: { replicas: 1 },
    endpoints: { apiPort: 0, gatewayPort: 0 },
  },
};
