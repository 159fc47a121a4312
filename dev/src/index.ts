export type { Demo, DemoPerson } from "./demo/demo.ts";
export type { Endpoints, ProcessEndpoint } from "./endpoints.ts";
export { createFleet, type Fleet, type FleetOptions } from "./fleet.ts";
export { everybody, type Relay } from "./launch.ts";
