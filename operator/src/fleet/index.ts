export { badSpec, type SpecProblem } from "../api/v1alpha1/problems.ts";
export { changesOf, forbiddenChanges, formatChanges, type ReshardSeen, type SpecChange } from "./changes.ts";
export { coordinatorSpec } from "./coordinator-spec.ts";
export { environmentOf, type Places } from "./environment.ts";
export {
  type Fleet,
  type Instance,
  type Link,
  type Part,
  type PortName,
  parts,
  type SharedFolder,
  type Workload,
} from "./fleet.ts";
export { plan } from "./plan.ts";
