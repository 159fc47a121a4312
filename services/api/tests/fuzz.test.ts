import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Route, routes } from "../src/index.ts";
import { type Answered, type SmallFleet, startSmallFleet } from "./support/small-fleet.ts";

let fleet: SmallFleet;
beforeAll(async () => {
  fleet = await startSmallFleet();
  fleet.router.onRead = ({ body }) => (body?.$case === "listRoles" ? [] : {});
});
afterAll(async () => fleet[Symbol.asyncDispose]());

// Keys that forms know, so that what is drawn reaches deep into them.
const keys = [
  ...["name", "content", "embeds", "allowed_mentions", "message_reference", "flags", "nonce", "permissions", "color"],
  ...["permission_overwrites", "type", "topic", "parent_id", "position", "max_age", "unique", "id", "allow", "deny"],
  ...["fields", "value", "author", "url", "timestamp", "parse", "users", "message_id", "username", "password", "login"],
  ...["owner_id", "colors", "primary_color", "global_name", "email", "__proto__", "constructor", "toString", "_errors"],
];

const leaf = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, "0", "-1", "1e3", "", " ", "\ud800", "𒐫", "users"),
  fc.bigInt({ min: 0n, max: 1n << 70n }).map((id) => ({ raw: String(id) })),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.integer(),
);

interface Raw {
  readonly raw: string;
}

/** JSON text of what was drawn; big integers stand in it as such. */
function toText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if ("raw" in value) return (value as Raw).raw;
  return `{${Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}:${toText(each)}`)}}`;
}

const { body: anyBody } = fc.letrec((tie) => ({
  body: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    leaf,
    fc.array(tie("body"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.constantFrom(...keys), tie("body")), { maxLength: 8 })
      .map((pairs) => Object.fromEntries(pairs)),
  ),
}));

const anyText = fc.oneof({ weight: 9, arbitrary: anyBody.map(toText) }, { weight: 1, arbitrary: fc.string() });

const segment = fc.oneof(
  fc.bigInt({ min: 0n, max: 1n << 65n }).map(String),
  fc.constantFrom("@me", "0", "-1", "1.5", "👍", "a:1", "%2e%2e", "\u0000"),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);

/** A path of the route, with something drawn in each `{…}`. */
const pathOf = ({ path }: Route) =>
  fc.array(segment, { minLength: 5, maxLength: 5 }).map((segments) => {
    let at = 0;
    return path.replace(/\{\w+\}/g, () => encodeURIComponent((segments[at++] ?? "1").toWellFormed()));
  });

const anyQuery = fc.oneof(
  fc.constant(""),
  fc.webQueryParameters().map((query) => `?${query}`),
  fc.constantFrom(
    "?limit=0",
    "?limit=1001",
    "?limit=x",
    "?before=1&after=2",
    "?limit=1&limit=2",
    "?with_counts=2",
    "?%ff",
  ),
);

const isDiscordError = (json: unknown): boolean => {
  const { message, code } = json as { message?: unknown; code?: unknown };
  return typeof message === "string" && typeof code === "number";
};

/** How many commands have reached the router. */
const commands = () => fleet.router.seen.filter(({ command }) => command !== undefined).length;

/** What holds of every answer to anything; `asked`: how many commands had reached the router before. */
function check({ status, headers, text, json }: Answered, asked: number): void {
  expect(status).toBeLessThan(500);
  if (text !== "") expect(headers["content-type"]).toBe("application/json");
  if (status < 400) return;
  expect(isDiscordError(json)).toBe(true);
  expect(text).not.toMatch(/\bat \S+:\d+:\d+|node_modules/);
  expect(commands()).toBe(asked);
}

const withBodies = routes.filter(({ body }) => body !== undefined);

test.each(withBodies.map((route) => [`${route.method} ${route.path}`, route] as const))(
  "%s survives any body",
  async (_name, route) => {
    const path = route.path.replace(/\{\w+\}/g, "1");
    await fc.assert(
      fc.asyncProperty(anyText, async (body) => {
        const asked = commands();
        check(await fleet.ask(route.method, path, { body }), asked);
      }),
      { numRuns: 60 },
    );
  },
);

test("every route survives any path and query", async () => {
  const anyRequest = fc.constantFrom(...routes).chain((route) => fc.tuple(fc.constant(route), pathOf(route), anyQuery));
  await fc.assert(
    fc.asyncProperty(anyRequest, fc.boolean(), async ([route, path, query], asBot) => {
      const asked = commands();
      const token = asBot ? fleet.privilegedBot : fleet.user.addAccount({ id: 1_000_000_000_000_000_001n });
      check(await fleet.ask(route.method, `${path}${query}`, { token }), asked);
    }),
    { numRuns: 600 },
  );
});

test("ids read the same as text and as integer", async () => {
  await fc.assert(
    fc.asyncProperty(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), async (id) => {
      const send = async (text: string) => {
        const body = `{"content":"x","message_reference":{"message_id":${text}},"allowed_mentions":{"users":[${text}]}}`;
        expect((await fleet.ask("POST", "/channels/1/messages", { body })).status).toBe(200);
        return fleet.router.last().command?.body;
      };
      const asText = await send(`"${id}"`);
      expect(await send(String(id))).toEqual(asText);
      expect(asText).toMatchObject({ value: { reference: { messageId: id }, allowedMentions: { users: [id] } } });
    }),
    { numRuns: 50 },
  );
});
