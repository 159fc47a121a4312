import { createServer } from "node:net";
import { validateShardSet } from "@guildhall/operator/api";
import { plan } from "@guildhall/operator/plan";
import { expect, test } from "@jest/globals";
import { portWishes } from "./places.ts";
import { choosePorts } from "./ports.ts";

const fleet = plan(
  validateShardSet({
    apiVersion: "guildhall.dev/v1alpha1",
    kind: "ShardSet",
    metadata: { name: "main" },
    spec: { shards: 2 },
  }),
);

test.each([
  { api: 7300, gateway: 7301, ports: [7300, 7301, 7302, 7303] },
  { api: 7302, gateway: 7301, ports: [7302, 7301, 7303, 7304] },
  { api: 80, gateway: 0, ports: [80, 0, 0, 0] },
  { api: 0, gateway: 0, ports: [0, 0, 0, 0] },
])("gives each gateway a port of its own beside $api and $gateway", ({ api, gateway, ports }) => {
  expect(portWishes(fleet, { api, gateway })).toEqual([
    { name: "api", port: ports[0] },
    { name: "gateway", port: ports[1] },
    { name: "gateway-0", port: ports[2] },
    { name: "gateway-1", port: ports[3] },
  ]);
});

test("refuses ports above the last", () => {
  expect(() => portWishes(fleet, { api: 65_534, gateway: 65_535 })).toThrow(
    expect.objectContaining({ code: "BAD_CONFIG", message: expect.stringContaining("port 65536 for gateway-0") }),
  );
});

test("finds free ports, all different", async () => {
  const wishes = ["a", "b", "c"].map((name) => ({ name, port: 0 }));
  const ports = await choosePorts("127.0.0.1", wishes);
  expect(new Set(ports.values()).size).toBe(3);
  expect([...ports.values()].every((port) => port > 0)).toBe(true);
});

test("chooses no port that a system, as it comes, gives to whoever asks for any", async () => {
  const wishes = Array.from({ length: 20 }, (_, index) => ({ name: String(index), port: 0 }));
  const chosen = [...(await choosePorts("127.0.0.1", wishes)).values()];
  // Linux gives those from 32768 on, of which Kubernetes may use some from 30000 on for its nodes; macOS from 49152 on.
  expect(chosen.filter((port) => port < 20_000 || port >= 30_000)).toEqual([]);
});

test("looks further when a chosen port is taken", async () => {
  const wishes = Array.from({ length: 400 }, (_, index) => ({ name: String(index), port: 0 }));
  const ports = await choosePorts("127.0.0.1", wishes);
  // Of so many, some are drawn twice (the chance of none is below 1 in 1,000).
  expect(new Set(ports.values()).size).toBe(400);
});

test("names a taken port and how to choose another", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as { port: number };
    await expect(choosePorts("127.0.0.1", [{ name: "gateway", port }])).rejects.toMatchObject({
      code: "PORT_TAKEN",
      message: `port ${port} (gateway) on 127.0.0.1 is taken: free it, or choose another with --port N or spec.endpoints (0 = any free)`,
    });
  } finally {
    server.close();
  }
});

test("says when nothing can listen on a host", async () => {
  await expect(choosePorts("192.0.2.1", [{ name: "api", port: 0 }])).rejects.toMatchObject({
    code: "BAD_SPEC",
    message: expect.stringContaining("spec.endpoints.host: cannot listen on 192.0.2.1"),
  });
});
