import { slotCount } from "@guildhall/slots";
import Type, { type Static } from "typebox";
import { choice, count, duration, exactly, ratio, section, windows } from "./fields.ts";
import { percentPattern } from "./percent.ts";

/** The group and version of all resources here. */
export const apiVersion = "guildhall.dev/v1alpha1";

/** The numbers of shards that a fleet can have. */
const shardCounts: readonly number[] = Array.from({ length: Math.log2(slotCount) + 1 }, (_, power) => 2 ** power);

/** A part that runs once: a second process of it would need what is not built yet. */
function single(what: string) {
  return section(what, { replicas: count(1, 1, 1, "How many processes; 1 is the only number supported.") });
}

const port = (standard: number, description: string) => count(0, 65_535, standard, description);

const endpoints = section("Where clients connect.", {
  host: Type.String({
    minLength: 1,
    maxLength: 253,
    default: "127.0.0.1",
    description: "Address or name to listen on; all public ports share it.",
  }),
  apiPort: port(7300, "Port of the REST API; 0 takes any free port."),
  gatewayPort: port(7301, "Port that all gateways share; 0 takes any free port."),
});

const log = section("What the processes write about themselves.", {
  level: choice(["debug", "info", "warn", "error"], {
    default: "info",
    description: "The least severe entries that are written.",
  }),
  format: choice(["Json", "Text"], {
    default: "Json",
    description: "Json: one object a line, for collectors. Text: for people who read along.",
  }),
});

const guild = section("The hosts of guilds.", {
  hosts: count(1, 64, 2, "How many host processes share the shards; at most as many as shards."),
});

const gateway = section("The gateways that hold the clients' WebSocket sessions.", {
  replicas: count(1, 64, 2, "How many gateway processes."),
  maxSessions: count(1, 1_000_000, 50_000, "Sessions that one gateway accepts; more are sent away to try again."),
  heartbeatInterval: duration("41250ms", "How often clients must send a heartbeat; 100ms to 10m."),
  resumeWindow: duration("120s", "How long a lost session can be resumed; 1s to 1h."),
  zstdContexts: count(0, 100_000, 512, "Sessions of one gateway that get a zstd context of their own."),
  drain: section("How a gateway that is to stop sends its sessions to the others.", {
    deadline: duration("10m", "How long it waits for them to have resumed elsewhere; 1s to 1h."),
    batch: Type.String({
      pattern: percentPattern,
      default: "2%",
      description: "The part of its sessions that is asked to reconnect at once; 1% to 100%.",
    }),
  }),
});

const resharding = section("How the number of shards is doubled.", {
  approval: choice(["Required", "Automatic"], {
    default: "Required",
    description: "Required: nothing is split until the plan is approved. Automatic: nobody is asked.",
  }),
  movesPerHost: count(1, 16, 2, "Shards that one host hands over or takes at once."),
  windows: windows("When shards may be split and moved for it; none = at any time."),
});

const rebalancing = section("How shards are moved to even out the hosts' load.", {
  mode: choice(["Off", "DryRun", "Auto"], {
    default: "Auto",
    description: "Off: never. DryRun: says what it would move. Auto: moves.",
  }),
  trigger: ratio(1.01, 10, 1.1, "It begins when the busiest host has more than so many times the mean load."),
  target: ratio(1, 10, 1.03, "It ends when the busiest host has at most so many times the mean load."),
  cooldown: duration("10m", "How long a moved shard stays where it is; 1s to 24h."),
  windows: windows("When it may move shards; none = at any time."),
});

const accounts = section("How accounts are kept.", {
  passwordCost: choice(["Standard", "Low"], {
    default: "Standard",
    description: "Work that hashing a password takes; Low is for tests only.",
  }),
});

const spec = Type.Object(
  {
    version: Type.Optional(
      Type.String({
        pattern: "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$",
        description: "Version of every part; a fleet of another version refuses to start.",
      }),
    ),
    shards: Type.Unsafe<number>({
      type: "integer",
      enum: shardCounts,
      description: "How many shards the guilds are spread over: a power of two from 1 to 65536.",
    }),
    endpoints,
    log,
    rateLimits: choice(["Standard", "Off"], {
      default: "Standard",
      description: "Whether clients are held to rate limits; Off is for load tests.",
    }),
    guild,
    gateway,
    resharding,
    rebalancing,
    paused: Type.Boolean({
      default: false,
      description: "Whether nothing is to be changed: no start, stop, split or move but to mend what broke.",
    }),
    accounts,
    api: single("The REST API."),
    router: single("The way of commands to the hosts, and the bus."),
    user: single("Accounts, tokens and memberships."),
    data: single("The journal and the store."),
    coordinator: single("Shard map, leases and worker ids."),
  },
  { additionalProperties: false, description: "What is wanted." },
);

const metadata = Type.Object(
  {
    name: Type.String({
      pattern: "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$",
      description: "Name of the fleet: 1 to 40 of a-z, 0-9 and -, not beginning or ending with -.",
    }),
  },
  { additionalProperties: false, description: "Which fleet this is." },
);

/** JSON Schema of a ShardSet document: one fleet. Structural; a field is here only when what it does works. */
export const shardSetSchema = Type.Object(
  {
    apiVersion: exactly(apiVersion, "Group and version of the document."),
    kind: exactly("ShardSet", "Kind of the document."),
    metadata,
    spec,
  },
  { additionalProperties: false, description: "One fleet." },
);

/** A checked ShardSet document with all defaults filled in. */
export type ShardSet = Static<typeof shardSetSchema>;
