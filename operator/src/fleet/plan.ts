import { parseDurationMs } from "../api/v1alpha1/duration.ts";
import { parsePercent } from "../api/v1alpha1/percent.ts";
import type { ShardSet } from "../api/v1alpha1/shard-set.ts";
import { type Fleet, type Instance, type Link, type Part, parts } from "./fleet.ts";

type Spec = ShardSet["spec"];

/** How one part follows from the spec. */
interface Recipe {
  readonly replicas: (spec: Spec) => number;
  readonly after: readonly Part[];
  readonly settings: (spec: Spec) => Record<string, string>;
  /** Of the settings: what the part is told while it runs, too. */
  readonly live?: readonly string[];
  /** `namesOf` gives the processes of a part. */
  readonly links: (namesOf: (part: Part) => readonly string[]) => Record<string, Link>;
}

const listen: Link = { kind: "listen" };
const advertised: Link = { kind: "advertised" };
const folder: Link = { kind: "folder" };

const recipes: Record<Part, Recipe> = {
  data: {
    replicas: (spec) => spec.data.replicas,
    after: [],
    settings: (spec) => longResumeWindow(spec),
    links: () => ({ GUILDHALL_LISTEN: listen, GUILDHALL_STATE_DIR: folder }),
  },
  coordinator: {
    replicas: (spec) => spec.coordinator.replicas,
    after: ["data"],
    settings: (spec) => ({
      GUILDHALL_SHARDS: String(spec.shards),
      GUILDHALL_HOSTS: namesOfPart("guild", spec).join(","),
    }),
    // By ApplyFleetSpec.
    live: ["GUILDHALL_SHARDS", "GUILDHALL_HOSTS"],
    links: (namesOf) => ({
      GUILDHALL_LISTEN: listen,
      GUILDHALL_STATE_DIR: folder,
      GUILDHALL_DATA: to(namesOf("data")),
    }),
  },
  router: {
    replicas: (spec) => spec.router.replicas,
    after: ["data", "coordinator"],
    settings: () => ({}),
    links: (namesOf) => ({
      GUILDHALL_LISTEN: listen,
      GUILDHALL_DATA: to(namesOf("data")),
      GUILDHALL_COORDINATOR: to(namesOf("coordinator")),
    }),
  },
  user: {
    replicas: (spec) => spec.user.replicas,
    after: ["coordinator"],
    settings: (spec) => ({ GUILDHALL_PASSWORD_COST: spec.accounts.passwordCost, ...longResumeWindow(spec) }),
    links: (namesOf) => ({
      GUILDHALL_LISTEN: listen,
      GUILDHALL_STATE_DIR: folder,
      GUILDHALL_ROUTERS: to(namesOf("router")),
      GUILDHALL_COORDINATOR: to(namesOf("coordinator")),
    }),
  },
  guild: {
    replicas: (spec) => spec.guild.hosts,
    after: ["data", "coordinator"],
    settings: (spec) => ({ GUILDHALL_RESUME_WINDOW_MS: inMs(spec.gateway.resumeWindow) }),
    links: (namesOf) => ({
      GUILDHALL_LISTEN: listen,
      GUILDHALL_ADDRESS: advertised,
      GUILDHALL_DATA: to(namesOf("data")),
      GUILDHALL_USERS: to(namesOf("user")),
      GUILDHALL_ROUTERS: to(namesOf("router")),
      GUILDHALL_COORDINATOR: to(namesOf("coordinator")),
    }),
  },
  gateway: {
    replicas: (spec) => spec.gateway.replicas,
    after: ["router", "user"],
    settings: (spec) => ({
      GUILDHALL_HEARTBEAT_INTERVAL_MS: inMs(spec.gateway.heartbeatInterval),
      GUILDHALL_RESUME_WINDOW_MS: inMs(spec.gateway.resumeWindow),
      GUILDHALL_ZSTD_CONTEXTS: String(spec.gateway.zstdContexts),
      GUILDHALL_MAX_SESSIONS: String(spec.gateway.maxSessions),
      GUILDHALL_DRAIN_DEADLINE_MS: inMs(spec.gateway.drain.deadline),
      GUILDHALL_DRAIN_BATCH_PERCENT: String(parsePercent(spec.gateway.drain.batch)),
      GUILDHALL_RATE_LIMITS: spec.rateLimits,
    }),
    links: (namesOf) => ({
      GUILDHALL_LISTEN: listen,
      GUILDHALL_ADDRESS: advertised,
      GUILDHALL_SESSIONS_DIR: { kind: "shared", name: "sessions" },
      GUILDHALL_WS_HOST: { kind: "host", port: "ws" },
      GUILDHALL_WS_PORT: { kind: "port", port: "ws" },
      GUILDHALL_WS_OWN_PORT: { kind: "port", port: "own" },
      GUILDHALL_GATEWAY_URL: { kind: "url", port: "ws" },
      GUILDHALL_ROUTERS: to(namesOf("router")),
      GUILDHALL_USERS: to(namesOf("user")),
      GUILDHALL_COORDINATOR: to(namesOf("coordinator")),
    }),
  },
  api: {
    replicas: (spec) => spec.api.replicas,
    after: ["router", "user"],
    settings: (spec) => ({ GUILDHALL_RATE_LIMITS: spec.rateLimits }),
    links: (namesOf) => ({
      GUILDHALL_HTTP_HOST: { kind: "host", port: "http" },
      GUILDHALL_HTTP_PORT: { kind: "port", port: "http" },
      GUILDHALL_GATEWAY_URL: { kind: "url", port: "ws" },
      GUILDHALL_ROUTERS: to(namesOf("router")),
      GUILDHALL_USERS: to(namesOf("user")),
      GUILDHALL_COORDINATOR: to(namesOf("coordinator")),
    }),
  },
};

/**
 * Journal and user events are kept for 10 minutes, or for the window and 5 minutes: only who has to keep them longer is
 * told, and begins anew for it.
 */
function longResumeWindow({ gateway }: Spec): Record<string, string> {
  const windowMs = inMs(gateway.resumeWindow);
  return Number(windowMs) > 5 * 60_000 ? { GUILDHALL_RESUME_WINDOW_MS: windowMs } : {};
}

/** Clients first, then what serves them: nobody waits for somebody who is gone. */
const stops: Fleet["stops"] = [["gateway", "api"], ["router"], ["guild"], ["user"], ["data"], ["coordinator"]];

/** What a checked document asks for. Pure: the same document gives the same fleet. */
export function plan({ metadata, spec }: ShardSet): Fleet {
  return {
    name: metadata.name,
    ...(spec.version === undefined ? {} : { version: spec.version }),
    workloads: parts.map((part) => {
      const { replicas, after } = recipes[part];
      const names = namesOfPart(part, spec);
      return { part, replicas: replicas(spec), after, instances: names.map((name) => instanceOf(name, part, spec)) };
    }),
    stops,
  };
}

function instanceOf(name: string, part: Part, spec: Spec): Instance {
  const { settings, live = [], links } = recipes[part];
  return {
    name,
    part,
    settings: {
      GUILDHALL_NAME: name,
      GUILDHALL_LOG_LEVEL: spec.log.level,
      GUILDHALL_LOG_FORMAT: spec.log.format === "Json" ? "json" : "pretty",
      ...settings(spec),
    },
    live,
    links: {
      GUILDHALL_METRICS_HOST: { kind: "host", port: "metrics" },
      GUILDHALL_METRICS_PORT: { kind: "port", port: "metrics" },
      ...links((other) => namesOfPart(other, spec)),
    },
  };
}

function namesOfPart(part: Part, spec: Spec): string[] {
  return Array.from({ length: recipes[part].replicas(spec) }, (_, index) => `${part}-${index}`);
}

function to(names: readonly string[]): Link {
  return { kind: "addresses", of: names };
}

function inMs(duration: string): string {
  const valueMs = parseDurationMs(duration);
  if (valueMs === undefined) throw new TypeError(`${duration} is not a duration: plan takes checked documents only`);
  return String(valueMs);
}
