import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { startSmallFleet } from "./support/small-fleet.ts";

test("answers what it has taken before it stops", async () => {
  await using fleet = await startSmallFleet();
  const { promise, resolve } = Promise.withResolvers<object>();
  fleet.router.onCommand = () => promise;
  const answer = fetch(`${fleet.api.url}/api/v10/channels/1/typing`, {
    method: "POST",
    headers: { authorization: fleet.person },
  });
  await waitFor(() => fleet.router.seen.length === 1);
  const drained = fleet.api.drain?.();
  resolve({ status: 204, json: Buffer.alloc(0) });
  expect((await answer).status).toBe(204);
  await drained;
  await expect(fetch(`${fleet.api.url}/api/v10/gateway`)).rejects.toThrow();
});

test("refuses a port that is taken by name", async () => {
  await using fleet = await startSmallFleet();
  const httpPort = Number(new URL(fleet.api.url).port);
  await expect(startSmallFleet({ httpPort })).rejects.toMatchObject({ code: "PORT_TAKEN" });
});

test("shows its requests by route", async () => {
  await using fleet = await startSmallFleet();
  await fleet.ask("GET", "/channels/5");
  await fleet.ask("GET", "/channels/nope");
  await fleet.ask("GET", "/nowhere");
  const page = await (await fetch(String(fleet.api.metricsUrl))).text();
  const count = (labels: string) => expect(page).toContain(`guildhall_api_requests_total{${labels}} 1`);
  count('method="GET",route="/channels/{c}",status="200"');
  count('method="GET",route="/channels/{c}",status="400"');
  count('method="-",route="unknown",status="404"');
});
