import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import {
  type BusItem,
  type CoordinatorReply,
  type CoordinatorRequest,
  CoordinatorServiceService,
  Event,
  type RouterServicePublishRequest,
  type RouterServicePublishResponse,
  RouterServiceService,
} from "@guildhall/proto";
import { createRpcServer, createUserClient, serveExchange, type UserClient } from "@guildhall/rpc";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createUserService, readConfig } from "../src/index.ts";

/** What the router would have been told. */
const published: BusItem[] = [];
const stack = new AsyncDisposableStack();
let client: UserClient;
let restart: () => Promise<void>;

const sha256 = (text: string) => createHash("sha256").update(text).digest();

/** Leases worker ids one after the other and takes in what is published: all that this service asks of its neighbours. */
async function createNeighbours(folder: string) {
  let workerId = 0;
  const exchange = serveExchange<CoordinatorRequest, CoordinatorReply>({
    limit: { inFlight: 16 },
    handle: () => {
      workerId += 1;
      return { $case: "leaseWorkerId", value: { workerId, ttlMs: 600_000, nowMs: BigInt(Date.now()) } };
    },
  });
  const refuse = (_: unknown, done: (error: object) => void) => done({ code: status.UNIMPLEMENTED });
  const coordinator = await createRpcServer({
    address: `unix:${folder}/coordinator.sock`,
    services: [[CoordinatorServiceService, { exchange, watchMap: refuse }]],
  });
  const publish = (call: ServerDuplexStream<RouterServicePublishRequest, RouterServicePublishResponse>) => {
    call.on("data", ({ items }: RouterServicePublishRequest) => published.push(...items));
  };
  const router = await createRpcServer({
    address: `unix:${folder}/router.sock`,
    services: [[RouterServiceService, { publish, exchange: refuse, subscribe: refuse }]],
  });
  return { coordinator, router };
}

beforeAll(async () => {
  const folder = stack.use(await makeTempDir());
  const { coordinator, router } = await createNeighbours(folder.path);
  stack.use(coordinator);
  stack.use(router);
  const config = readConfig({
    GUILDHALL_NAME: "user-0",
    GUILDHALL_LISTEN: `unix:${folder.path}/user.sock`,
    GUILDHALL_STATE_DIR: `${folder.path}/user`,
    GUILDHALL_ROUTERS: router.address,
    GUILDHALL_COORDINATOR: coordinator.address,
    GUILDHALL_PASSWORD_COST: "Low",
    GUILDHALL_LOG_LEVEL: "silent",
  });
  let service = await createUserService(config);
  stack.defer(() => service[Symbol.asyncDispose]());
  restart = async () => {
    await service[Symbol.asyncDispose]();
    service = await createUserService(config);
  };
  client = stack.use(createUserClient(service.address));
});

afterAll(() => stack.disposeAsync());

const register = (username: string) =>
  client.call("register", { username, globalName: "", email: "", password: "correct horse" });

test("who registers may log in, and each token is theirs until they log out", async () => {
  const { token, account } = await register("ada");
  expect(token.split(".")).toHaveLength(3);
  const again = await client.call("login", { login: "ada", password: "correct horse" });
  expect(again.account?.profile?.id).toBe(account?.profile?.id);
  await client.call("logout", { tokenHash: sha256(token) });
  await expect(client.call("authenticate", { tokenHash: sha256(token) })).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
  const known = await client.call("authenticate", { tokenHash: sha256(again.token) });
  expect(known.account?.profile).toMatchObject({ username: "ada", bot: false });
});

test("a wrong password and an unknown login get the same answer", async () => {
  await register("bea");
  const wrong = await client.call("login", { login: "bea", password: "wrong horse" }).catch((error) => error);
  const unknown = await client.call("login", { login: "nobody", password: "wrong horse" }).catch((error) => error);
  expect(wrong).toMatchObject({ code: "INVALID_FORM", fields: [{ code: "INVALID_LOGIN" }, { code: "INVALID_LOGIN" }] });
  expect(unknown.fields).toEqual(wrong.fields);
});

test("a taken username is refused at its field", async () => {
  await register("cleo");
  await expect(register("CLEO")).rejects.toMatchObject({
    code: "INVALID_FORM",
    fields: [{ path: ["username"], code: "USERNAME_ALREADY_TAKEN" }],
  });
});

test("an application's bot authenticates, knows its flags, and a reset ends the old token", async () => {
  const { account } = await register("dora");
  const ownerId = account?.profile?.id ?? 0n;
  const made = await client.call("createApplication", { ownerId, name: "Helper", flags: 1n << 18n });
  const bot = await client.call("authenticate", { tokenHash: sha256(made.botToken) });
  expect(bot.account).toMatchObject({ applicationId: made.id, applicationFlags: 1n << 18n, profile: { bot: true } });
  expect(made.verifyKey).toMatch(/^[0-9a-f]{64}$/);
  const reset = await client.call("resetBotToken", { applicationId: made.id });
  await expect(client.call("authenticate", { tokenHash: sha256(made.botToken) })).rejects.toThrow();
  expect((await client.call("authenticate", { tokenHash: sha256(reset.botToken) })).account?.profile?.id).toBe(made.id);
});

test("a membership reaches the user's topic: on the bus, in heads, in refills, and after a restart", async () => {
  const { account } = await register("edda");
  const userId = account?.profile?.id ?? 0n;
  const row = { userId, guildId: 77n, epoch: 1, seq: 3n, member: true, joinedAt: "2026-01-01T00:00:00+00:00" };
  await client.call("applyMemberships", { rows: [row, { ...row, seq: 2n, member: false }] });
  expect(await client.call("listMemberships", { userId })).toMatchObject({ memberships: [row], head: { seq: 1n } });
  await waitFor(() => published.some((item) => item.topic === userId));
  const { events } = await client.call("refill", { topic: userId, fromSeq: 1n, toSeq: 1n });
  expect(Event.decode(events[0] ?? Buffer.alloc(0))).toMatchObject({
    topic: userId,
    seq: 1n,
    userChanges: [{ of: { $case: "guildJoined", value: 77n } }],
  });
  const before = published.find((item) => item.of?.$case === "beat")?.source;
  await restart();
  const { heads, sources } = await client.call("heads", { topics: [userId] });
  expect(heads).toMatchObject([{ topic: userId, seq: 1n }]);
  expect(sources[0]).toMatch(/^user-0\//);
  expect(sources[0]).not.toBe(before);
});

test("who was seeded without a password cannot log in with any", async () => {
  await client.call("seedPeople", { people: [{ username: "seed0", globalName: "", email: "", password: "" }] });
  for (const password of ["", "anything at all"]) {
    await expect(client.call("login", { login: "seed0", password })).rejects.toMatchObject({ code: "INVALID_FORM" });
  }
});

test("seeding is repeatable: who exists stays as they are and gets no new token", async () => {
  const people = ["seed1", "seed2"].map((username) => ({
    username,
    globalName: "",
    email: "",
    password: "longenough",
  }));
  const first = await client.call("seedPeople", { people });
  const second = await client.call("seedPeople", { people });
  expect(first.sessions.every(({ token }) => token !== "")).toBe(true);
  expect(second.sessions.map(({ token }) => token)).toEqual(["", ""]);
  expect(second.sessions.map(({ account }) => account?.profile?.id)).toEqual(
    first.sessions.map(({ account }) => account?.profile?.id),
  );
});

test("a batch of memberships is never refused for what is in it: the others count", async () => {
  const { account } = await register("grace");
  const id = account?.profile?.id ?? 0n;
  const row = { guildId: 700n, epoch: 1, seq: 1n, member: true, joinedAt: "" };
  const impossible = (1n << 64n) - 1n;
  const rows = [
    { ...row, userId: 12_345n },
    { ...row, userId: impossible },
    { ...row, userId: id, guildId: impossible },
    { ...row, userId: id },
  ];
  for (const _ of [1, 2]) expect(await client.call("applyMemberships", { rows })).toEqual({});
  expect((await client.call("listMemberships", { userId: id })).memberships).toMatchObject([{ guildId: 700n }]);
  expect((await client.call("listMemberships", { userId: 12_345n })).memberships).toMatchObject([{ guildId: 700n }]);
});

test("copies the accounts into a folder while they are used", async () => {
  const folder = stack.use(await makeTempDir()).path;
  const { files } = await client.call("backup", { folder: `${folder}/copy`, names: [] });
  const copy = readFileSync(`${folder}/copy/accounts.db`);
  const sha256sum = createHash("sha256").update(copy).digest("hex");
  expect(files).toEqual([{ name: "accounts.db", bytes: BigInt(copy.length), sha256: sha256sum }]);
  using database = new DatabaseSync(`${folder}/copy/accounts.db`, { readOnly: true });
  expect(database.prepare("SELECT count(*) AS people FROM accounts WHERE username = 'grace'").get()).toEqual({
    people: 1,
  });
});
