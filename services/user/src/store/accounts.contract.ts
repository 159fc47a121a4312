import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { AccountRow, Accounts, ApplicationRow, MembershipRow } from "./accounts.ts";

function person(id: bigint, username: string, email = ""): AccountRow {
  return {
    id,
    username,
    globalName: "",
    avatar: "",
    email,
    passwordHash: "$argon2id$",
    bot: false,
    applicationId: 0n,
    locale: "en-US",
    publicFlags: 0n,
  };
}

const tokenHash = (n: number) => new Uint8Array(32).fill(n);

function membership(seq: bigint, member: boolean, epoch = 1): MembershipRow {
  return { userId: 1n, guildId: 500n, epoch, seq, member, joinedAt: "2026-01-01T00:00:00.000000+00:00" };
}

/** What every accounts database must do. `open` opens the same one again each time it is called. */
export function accountsContract(name: string, open: () => Accounts): void {
  describe(`accounts: ${name}`, () => {
    let accounts: Accounts;
    beforeEach(() => {
      accounts = open();
    });
    afterEach(() => accounts[Symbol.dispose]());

    test("keeps a person and the token over a restart", () => {
      expect(accounts.addPerson(person(1n, "ada", "ada@example.org"), tokenHash(1), 0)).toBeUndefined();
      accounts[Symbol.dispose]();
      accounts = open();
      expect(accounts.accountOfToken(tokenHash(1))).toEqual(person(1n, "ada", "ada@example.org"));
      expect(accounts.personByLogin("ada")?.id).toBe(1n);
      expect(accounts.personByLogin("ADA@example.org")?.id).toBe(1n);
    });

    test("refuses a username or an address that somebody has, and writes nothing", () => {
      accounts.addPerson(person(1n, "ada", "ada@example.org"), tokenHash(1), 0);
      expect(accounts.addPerson(person(2n, "ada"), tokenHash(2), 0)).toBe("username");
      expect(accounts.addPerson(person(2n, "eve", "ada@example.org"), tokenHash(2), 0)).toBe("email");
      expect(accounts.account(2n)).toBeUndefined();
      expect(accounts.accountOfToken(tokenHash(2))).toBeUndefined();
    });

    test("adds the people whose names are free and returns the others as they are", () => {
      accounts.addPerson(person(1n, "ada"), tokenHash(1), 0);
      const added = accounts.addPeople(
        [
          { account: person(2n, "ada"), tokenHash: tokenHash(2) },
          { account: person(3n, "bob"), tokenHash: tokenHash(3) },
        ],
        0,
      );
      expect(added.map(({ account, added }) => [account.id, added])).toEqual([
        [1n, false],
        [3n, true],
      ]);
    });

    test("nobody has an id that no id can be", () => {
      for (const id of [0n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]) {
        expect([accounts.account(id), accounts.application(id)]).toEqual([undefined, undefined]);
      }
    });

    test("a removed token belongs to nobody and the user's topic tells of it once", () => {
      accounts.addPerson(person(1n, "ada"), tokenHash(1), 0);
      expect(accounts.removeToken(tokenHash(1), 0)).toMatchObject({ userId: 1n, seq: 1n });
      expect(accounts.accountOfToken(tokenHash(1))).toBeUndefined();
      expect(accounts.removeToken(tokenHash(1), 0)).toBeUndefined();
      expect(accounts.headSeq(1n)).toBe(1n);
    });

    test("replacing tokens ends every earlier one", () => {
      accounts.addPerson(person(1n, "ada"), tokenHash(1), 0);
      accounts.addToken(1n, tokenHash(2), 0);
      const { removed, events } = accounts.replaceTokens(1n, tokenHash(3), 0);
      expect(removed).toHaveLength(2);
      expect(events.map(({ seq }) => seq)).toEqual([1n, 2n]);
      expect(accounts.accountOfToken(tokenHash(2))).toBeUndefined();
      expect(accounts.accountOfToken(tokenHash(3))?.id).toBe(1n);
    });

    test("keeps an application with its bot", () => {
      const application: ApplicationRow = {
        id: 9n,
        name: "helper",
        description: "",
        botId: 9n,
        ownerId: 1n,
        flags: 1n << 18n,
        verifyKey: "00",
        signingKey: new Uint8Array([1, 2]),
      };
      const bot = { ...person(9n, "helper"), bot: true, applicationId: 9n };
      accounts.addApplication(application, bot, tokenHash(9), 0);
      expect(accounts.application(9n)).toEqual(application);
      expect(accounts.accountOfToken(tokenHash(9))).toEqual(bot);
      expect(accounts.personByLogin("helper")).toBeUndefined();
    });

    test("a membership is applied once, and lower positions are ignored also after leaving", () => {
      accounts.addPerson(person(1n, "ada"), tokenHash(1), 0);
      expect(accounts.applyMemberships([membership(5n, true)], 0)).toHaveLength(1);
      expect(accounts.applyMemberships([membership(5n, true)], 0)).toEqual([]);
      expect(accounts.applyMemberships([membership(7n, false)], 0)).toMatchObject([
        { seq: 2n, notice: { kind: "guild-left", guildId: 500n } },
      ]);
      expect(accounts.applyMemberships([membership(6n, true)], 0)).toEqual([]);
      expect(accounts.memberships(1n)).toEqual({ rows: [], headSeq: 2n });
      expect(accounts.applyMemberships([membership(1n, true, 2)], 0)).toHaveLength(1);
      expect(accounts.memberships(1n).rows.map(({ guildId }) => guildId)).toEqual([500n]);
    });

    test("a membership of an account that is not here is kept without an event, and counts once the account is", () => {
      expect(accounts.applyMemberships([membership(5n, true)], 0)).toEqual([]);
      expect(accounts.memberships(1n)).toMatchObject({ rows: [{ guildId: 500n }], headSeq: 0n });
      accounts.addPerson(person(1n, "ada"), tokenHash(1), 0);
      expect(accounts.applyMemberships([membership(5n, true)], 0)).toEqual([]);
      expect(accounts.applyMemberships([membership(6n, false)], 0)).toMatchObject([{ seq: 1n }]);
    });

    test("the outbox holds events without gaps and says from where on", () => {
      accounts.addPerson(person(1n, "ada"), tokenHash(1), 0);
      expect(accounts.outbox(1n, 1n, 9n)).toEqual({ floor: 1n, events: [] });
      accounts.applyMemberships([membership(1n, true)], 1000);
      accounts.applyMemberships([membership(2n, false)], 2000);
      accounts.applyMemberships([membership(3n, true)], 3000);
      expect(accounts.outbox(1n, 2n, 9n).events.map(({ seq }) => seq)).toEqual([2n, 3n]);
      expect(accounts.trimOutbox(2500, 100)).toBe(2);
      expect(accounts.outbox(1n, 3n, 9n)).toMatchObject({ floor: 3n, events: [{ seq: 3n }] });
      expect(accounts.trimOutbox(9999, 100)).toBe(1);
      expect(accounts.outbox(1n, 1n, 9n)).toEqual({ floor: 4n, events: [] });
    });
  });
}
