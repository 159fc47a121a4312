import rest from "../data/rest.json" with { type: "json" };

/** A route of the REST API below /api/v10; `needs`, `input`, `response` and `events` are in words. */
export interface RestEndpoint {
  readonly group: string;
  readonly tier: string;
  readonly method: string;
  readonly path: string;
  readonly needs: string;
  readonly input: string;
  readonly response: string;
  readonly events: string;
  readonly source: string;
}

/** The routes of the REST API. */
export const restEndpoints: readonly RestEndpoint[] = rest.endpoints;
