import { isGuildhallError } from "@guildhall/errors";
import { expect, test } from "@jest/globals";
import { shardSetSchema } from "./shard-set.ts";
import { validateShardSet } from "./validate.ts";

const head = { apiVersion: "guildhall.dev/v1alpha1", kind: "ShardSet", metadata: { name: "main" } };

function problemsOf(document: unknown): string[] {
  try {
    validateShardSet(document, "fleet.yaml");
  } catch (error) {
    if (!isGuildhallError(error)) throw error;
    expect(error.code).toBe("BAD_SPEC");
    expect(error.message.startsWith("fleet.yaml: ")).toBe(true);
    return (error.fields ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`).sort();
  }
  return [];
}

test("fills in every default and leaves the document it was given alone", () => {
  const document = { ...head, spec: { shards: 8, gateway: { replicas: 3 } } };
  expect(validateShardSet(document)).toEqual({
    ...head,
    spec: {
      shards: 8,
      endpoints: { host: "127.0.0.1", apiPort: 7300, gatewayPort: 7301 },
      log: { level: "info", format: "Json" },
      rateLimits: "Standard",
      guild: { hosts: 2 },
      gateway: {
        replicas: 3,
        maxSessions: 50_000,
        heartbeatInterval: "41250ms",
        resumeWindow: "120s",
        zstdContexts: 512,
        drain: { deadline: "10m", batch: "2%" },
      },
      resharding: { approval: "Required", movesPerHost: 2, windows: [] },
      rebalancing: { mode: "Auto", trigger: 1.1, target: 1.03, cooldown: "10m", windows: [] },
      paused: false,
      accounts: { passwordCost: "Standard" },
      api: { replicas: 1 },
      router: { replicas: 1 },
      user: { replicas: 1 },
      data: { replicas: 1 },
      coordinator: { replicas: 1 },
    },
  });
  expect(document).toEqual({ ...head, spec: { shards: 8, gateway: { replicas: 3 } } });
});

test.each<{ spec: unknown; problems: string[] }>([
  { spec: {}, problems: ["spec.shards: is required"] },
  { spec: { shards: 3 }, problems: ["spec.shards: must be a power of two from 1 to 65536"] },
  { spec: { shards: 131_072 }, problems: ["spec.shards: must be a power of two from 1 to 65536"] },
  {
    spec: { shards: 2, guild: { hosts: 4 } },
    problems: ["spec.guild.hosts: must not exceed spec.shards (2): a host without a shard is idle"],
  },
  { spec: { shards: 6 }, problems: ["spec.shards: must be a power of two from 1 to 65536"] },
  { spec: { shards: 4, guild: { hosts: 0 } }, problems: ["spec.guild.hosts: must be from 1 to 64"] },
  {
    spec: { shards: 4, resharding: { approval: "Never", movesPerHost: 0, plan: 1 }, paused: "yes" },
    problems: [
      'spec.paused: must be a boolean, not "yes"',
      "spec.resharding.approval: must be one of Required, Automatic",
      "spec.resharding.movesPerHost: must be from 1 to 16",
      expect.stringMatching(/^spec\.resharding\.plan: unknown field/) as unknown as string,
    ],
  },
  {
    spec: { shards: 4, rebalancing: { mode: "On", trigger: 1.02, target: 1.02, cooldown: "25h" } },
    problems: [
      "spec.rebalancing.cooldown: must be from 1s to 24h",
      "spec.rebalancing.mode: must be one of Off, DryRun, Auto",
      "spec.rebalancing.target: must be below spec.rebalancing.trigger (1.02): balancing would end before it began",
    ],
  },
  {
    spec: { shards: 4, rebalancing: { trigger: 1.02 } },
    problems: [
      "spec.rebalancing.target: must be below spec.rebalancing.trigger (1.02): balancing would end before it began",
    ],
  },
  {
    spec: {
      shards: 4,
      resharding: {
        windows: [
          { days: ["Mon-Fri"], from: "03:00", to: "06:00", timeZone: "Europe/Berlin" },
          { days: ["Monday"], from: "3:00", to: "25:00", timeZone: "Mars/Olympus" },
          { from: "24:00" },
        ],
      },
      rebalancing: { windows: [{ from: "08:00", to: "08:00", timeZone: "+01:00" }] },
    },
    problems: [
      'spec.rebalancing.windows.0.timeZone: must be an IANA name such as "Europe/Berlin", not "+01:00"',
      'spec.rebalancing.windows.0.to: must differ from `from`; "00:00" to "24:00" is all day',
      'spec.resharding.windows.1.days.0: must be a day or a span of days such as "Sat" or "Mon-Fri"',
      'spec.resharding.windows.1.from: must be a time such as "03:00"',
      'spec.resharding.windows.1.timeZone: must be an IANA name such as "Europe/Berlin", not "Mars/Olympus"',
      'spec.resharding.windows.1.to: must be a time such as "03:00"',
      'spec.resharding.windows.2.from: must be before "24:00"',
      "spec.resharding.windows.2.to: is required",
    ],
  },
  {
    spec: { shards: 4, gateway: { drain: { deadline: "2h", batch: "0%" } } },
    problems: [
      'spec.gateway.drain.batch: must be a percentage from "1%" to "100%"',
      "spec.gateway.drain.deadline: must be from 1s to 1h",
    ],
  },
  {
    spec: { shards: 4, router: { replicas: 2 } },
    problems: ["spec.router.replicas: must be 1: other numbers are not supported"],
  },
  {
    spec: { shards: 4, voice: { replicas: 1 }, guild: { hosts: 2, resources: {} } },
    problems: [
      "spec.guild.resources: unknown field: this version does not support it (known here: hosts)",
      expect.stringMatching(/^spec\.voice: unknown field: this version does not support it/) as unknown as string,
    ],
  },
  {
    spec: { shards: 4, gateway: { heartbeatInterval: "1ms", resumeWindow: "2 s", maxSessions: 0 } },
    problems: [
      "spec.gateway.heartbeatInterval: must be from 100ms to 10m",
      "spec.gateway.maxSessions: must be from 1 to 1000000",
      'spec.gateway.resumeWindow: must be a duration such as "120s" or "41250ms"',
    ],
  },
  {
    spec: { shards: 4, rateLimits: "None", endpoints: { apiPort: "80" } },
    problems: ['spec.endpoints.apiPort: must be an integer, not "80"', "spec.rateLimits: must be one of Standard, Off"],
  },
])("reports all problems of $spec", ({ spec, problems }) => {
  expect(problemsOf({ ...head, spec })).toEqual(problems);
});

test.each([null, [], "text", 7])("refuses %j, which is no document", (document) => {
  expect(problemsOf(document)).toEqual([": must be a ShardSet document"]);
});

test("names what is missing or wrong outside of the spec", () => {
  expect(
    problemsOf({ kind: "MessageStore", metadata: { name: "No!" }, spec: { shards: 1, guild: { hosts: 1 } } }),
  ).toEqual([
    "apiVersion: is required",
    "kind: must be ShardSet",
    expect.stringMatching(/^metadata\.name: must be as described/),
  ]);
});

test("every field of the schema says what it is and objects take no other fields", () => {
  const undescribed: string[] = [];
  const visit = (schema: Record<string, unknown>, path: string) => {
    if (typeof schema.description !== "string") undescribed.push(path);
    if (schema.type === "array") visit(schema.items as Record<string, unknown>, `${path}[]`);
    if (schema.type !== "object") return;
    expect(schema.additionalProperties).toBe(false);
    for (const [name, inner] of Object.entries(schema.properties as Record<string, Record<string, unknown>>)) {
      visit(inner, `${path}.${name}`);
    }
  };
  visit(shardSetSchema as unknown as Record<string, unknown>, "");
  expect(undescribed).toEqual([]);
});
