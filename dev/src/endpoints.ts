import type { Demo } from "./demo/demo.ts";
import type { LocalPlaces } from "./places.ts";

/** A running process. */
export interface ProcessEndpoint {
  readonly name: string;
  readonly service: string;
  readonly pid: number;
  /** URL of its metrics page. */
  readonly metrics: string;
  /** Of a gateway: the address of just this process, for operators. Clients are given the shared one. */
  readonly url?: string;
}

/** How to reach a running fleet: the content of endpoints.json. */
export interface Endpoints {
  /** Base URL of the REST API, with version. */
  readonly api: string;
  readonly gateway: string;
  readonly cdn: string;
  readonly processes: readonly ProcessEndpoint[];
  /** Absent when the fleet was started without. */
  readonly demo?: Demo;
}

/** The endpoints of a fleet's processes, as last known to be ready. */
export function describeEndpoints(
  places: Pick<LocalPlaces, "apiUrl" | "gatewayUrl">,
  processes: readonly ProcessEndpoint[],
  demo: Demo | undefined,
): Endpoints {
  return {
    api: `${places.apiUrl}/api/v10`,
    gateway: places.gatewayUrl,
    cdn: `${places.apiUrl}/cdn`,
    processes,
    ...(demo === undefined ? {} : { demo }),
  };
}
