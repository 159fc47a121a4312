import { waitFor } from "@guildhall/testing";
import { describe, expect, test } from "@jest/globals";
import { personId, type SmallFleet, startSmallFleet } from "./support/small-fleet.ts";

const me = (fleet: SmallFleet, token: string) => fleet.ask("GET", "/users/@me", { token });

describe("tokens", () => {
  test("must stand behind the word of their kind", async () => {
    await using fleet = await startSmallFleet();
    const { person, bot } = fleet;
    expect((await me(fleet, person)).json).toMatchObject({ id: String(personId), bot: false });
    expect((await me(fleet, bot)).json).toMatchObject({ bot: true });
    expect((await me(fleet, `Bot ${person}`)).status).toBe(401);
    expect((await me(fleet, bot.slice("Bot ".length))).status).toBe(401);
    expect((await me(fleet, `Bearer ${person}`)).status).toBe(401);
  });

  test("are asked about once while revocations are heard", async () => {
    await using fleet = await startSmallFleet();
    const first = await Promise.all(Array.from({ length: 20 }, () => me(fleet, fleet.person)));
    expect(first.every(({ status }) => status === 200)).toBe(true);
    expect((await me(fleet, fleet.person)).status).toBe(200);
    expect(fleet.user.authentications()).toBe(1);
  });

  test("are refused once revoked", async () => {
    await using fleet = await startSmallFleet();
    expect((await me(fleet, fleet.person)).status).toBe(200);
    fleet.user.revoke(fleet.person);
    await waitFor(async () => (await me(fleet, fleet.person)).status === 401);
  });

  test("are asked about each time while no revocations are heard", async () => {
    await using fleet = await startSmallFleet();
    await me(fleet, fleet.person);
    fleet.user.beats(false);
    fleet.user.revokeSilently(fleet.person);
    await waitFor(async () => (await me(fleet, fleet.person)).status === 401);
  });

  test("are asked about anew after the stream of revocations broke", async () => {
    await using fleet = await startSmallFleet();
    await me(fleet, fleet.person);
    fleet.user.revokeSilently(fleet.person);
    fleet.user.cutWatchers();
    await waitFor(async () => (await me(fleet, fleet.person)).status === 401);
    await waitFor(() => fleet.user.watchers() === 1);
  });

  test("end with a logout, also here", async () => {
    await using fleet = await startSmallFleet();
    expect((await fleet.ask("POST", "/auth/logout")).status).toBe(204);
    expect((await me(fleet, fleet.person)).status).toBe(401);
    expect((await fleet.ask("POST", "/auth/logout", { token: fleet.bot })).json.code).toBe(20001);
  });

  test("a wrong account for a route is 403, never 401", async () => {
    await using fleet = await startSmallFleet();
    const { bot: token } = fleet;
    const code = async (method: string, path: string, as: string) => {
      const { status, json } = await fleet.ask(method, path, { token: as });
      return [status, json.code];
    };
    expect(await code("POST", "/guilds", token)).toEqual([403, 20001]);
    expect(await code("POST", "/invites/abc", token)).toEqual([403, 20001]);
    expect(await code("GET", "/gateway/bot", fleet.person)).toEqual([403, 20002]);
    expect(await code("GET", "/guilds/1/members", token)).toEqual([403, 50001]);
    expect(await code("GET", "/guilds/1/members", fleet.privilegedBot)).toEqual([200, undefined]);
  });
});

describe("accounts", () => {
  test("are made, logged in and known", async () => {
    await using fleet = await startSmallFleet();
    const form = { username: "Ada", password: "correct horse", consent: true };
    const made = await fleet.ask("POST", "/auth/register", { token: "", body: form });
    expect([made.status, Object.keys(made.json)]).toEqual([201, ["token"]]);
    expect((await me(fleet, made.json.token)).json).toMatchObject({ username: "ada", email: "ada@example.org" });
    const again = await fleet.ask("POST", "/auth/register", { token: "", body: form });
    expect([again.status, again.json.errors.username._errors[0].code]).toEqual([400, "USERNAME_ALREADY_TAKEN"]);
    const login = await fleet.ask("POST", "/auth/login", {
      token: "",
      body: { login: "ada", password: "correct horse" },
    });
    expect(login.json).toMatchObject({ user_settings: { locale: "en-US", theme: "dark" } });
    expect((await me(fleet, login.json.token)).json.id).toBe(login.json.user_id);
    const wrong = await fleet.ask("POST", "/auth/login", { token: "", body: { login: "ada", password: "wrong" } });
    expect([wrong.status, wrong.json.errors.login._errors[0].code]).toEqual([400, "INVALID_LOGIN"]);
  });

  test("get a user name from their display name, and join by an invite", async () => {
    await using fleet = await startSmallFleet();
    const body = { global_name: "Ada L.", password: "correct horse", invite: "abc123" };
    const { json } = await fleet.ask("POST", "/auth/register", { token: "", body });
    expect((await me(fleet, json.token)).json.username).toMatch(/^adal\d{6}$/);
    expect(fleet.router.last().command?.body).toEqual({ $case: "acceptInvite", value: { code: "abc123" } });
  });

  test("others see less of them", async () => {
    await using fleet = await startSmallFleet();
    const { json } = await fleet.ask("GET", `/users/${personId}`, { token: fleet.bot });
    expect(json).toMatchObject({ id: String(personId), discriminator: "0", global_name: null });
    expect(json).not.toHaveProperty("email");
    expect((await fleet.ask("GET", "/users/12")).json).toMatchObject({ code: 10013 });
  });

  test("a bot reads its application", async () => {
    await using fleet = await startSmallFleet();
    for (const path of ["/oauth2/applications/@me", "/applications/@me"]) {
      const { status, json } = await fleet.ask("GET", path, { token: fleet.bot });
      expect(status).toBe(200);
      expect(json).toMatchObject({ name: "app", team: null, summary: "", verify_key: "00", owner: { bot: true } });
    }
    expect((await fleet.ask("GET", "/gateway/bot", { token: fleet.bot })).json).toEqual({
      url: "ws://127.0.0.1:1234",
      shards: 1,
      session_start_limit: { total: 1000, remaining: 1000, reset_after: 86_400_000, max_concurrency: 1 },
    });
  });
});
