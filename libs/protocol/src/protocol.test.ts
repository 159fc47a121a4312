import { errorTable } from "@guildhall/errors";
import { describe, expect, test } from "@jest/globals";
import {
  GatewayCloseCodes,
  GatewayIntentBits,
  GatewayOpcodes,
  PermissionFlagsBits,
  RESTJSONErrorCodes,
} from "discord-api-types/v10";
import gateway from "../data/gateway.json" with { type: "json" };
import permissions from "../data/permissions.json" with { type: "json" };
import {
  closeCode,
  closeCodes,
  errorCodes,
  gatewayEvents,
  gatewayLimits,
  httpStatusOfCode,
  intentBits,
  intentsOfEvent,
  limits,
  opcodes,
  permissionRows,
  privilegedIntents,
  restEndpoints,
  validIntentsMask,
} from "./index.ts";

const numbersOf = (table: object) => new Set(Object.values(table).filter((value) => typeof value === "number"));

describe("the gateway's tables", () => {
  test("have the opcodes of the data, and all that bots may use", () => {
    expect(Object.entries(opcodes)).toEqual(gateway.opcodes.map(({ name, op }) => [name, op]));
    const own = numbersOf(opcodes);
    expect([...numbersOf(GatewayOpcodes)].filter((op) => !own.has(op))).toEqual([]);
  });

  test("have the close codes of the data, each under its name, resumable where the client resumes", () => {
    expect(Object.keys(closeCodes).map(Number)).toEqual(gateway.close_codes.map(({ code }) => code));
    for (const { code, reconnect, client_action } of gateway.close_codes) {
      const row = closeCodes[code as keyof typeof closeCodes];
      expect(closeCode[row.name]).toBe(code);
      expect(row.resumable).toBe(reconnect && /^resume|or resume/.test(client_action));
    }
    const own = numbersOf(closeCode);
    expect([...numbersOf(GatewayCloseCodes)].filter((code) => !own.has(code))).toEqual([]);
  });

  test("have the intents of the data, and know which are privileged", () => {
    expect(Object.entries(intentBits)).toEqual(gateway.intents.map(({ name, value }) => [name, value]));
    expect(validIntentsMask).toBe(0b11_0011_0001_1111_1111_1111_1111);
    const { GUILD_MEMBERS, GUILD_PRESENCES, MESSAGE_CONTENT } = intentBits;
    expect(privilegedIntents).toBe(GUILD_MEMBERS | GUILD_PRESENCES | MESSAGE_CONTENT);
    expect([...numbersOf(GatewayIntentBits)].filter((bit) => (Number(bit) & validIntentsMask) === 0)).toEqual([]);
  });
});

describe("intentsOfEvent", () => {
  test("tells the intents of guilds from those of direct messages", () => {
    expect(intentsOfEvent("MESSAGE_CREATE")).toBe(intentBits.GUILD_MESSAGES);
    expect(intentsOfEvent("MESSAGE_CREATE", "direct")).toBe(intentBits.DIRECT_MESSAGES);
    expect(intentsOfEvent("CHANNEL_PINS_UPDATE")).toBe(intentBits.GUILDS);
    expect(intentsOfEvent("CHANNEL_PINS_UPDATE", "direct")).toBe(intentBits.DIRECT_MESSAGES);
    expect(intentsOfEvent("TYPING_START", "direct")).toBe(intentBits.DIRECT_MESSAGE_TYPING);
    expect(intentsOfEvent("CHANNEL_CREATE", "direct")).toBe(intentBits.GUILDS);
  });

  test("takes any one of several", () => {
    expect(intentsOfEvent("THREAD_MEMBERS_UPDATE")).toBe(intentBits.GUILDS | intentBits.GUILD_MEMBERS);
  });

  test("asks for none where the data names none, and for one where it does", () => {
    for (const { name, intent } of gatewayEvents) {
      const needs = /\b(GUILD|GUILDS|DIRECT|AUTO)(_[A-Z_]+)?\b/.test(intent);
      expect([name, intentsOfEvent(name) !== 0]).toEqual([name, needs]);
    }
    expect(intentsOfEvent("NO_SUCH_EVENT")).toBe(0);
  });

  test("knows every event that an intent brings", () => {
    const known = new Set(gatewayEvents.map(({ name }) => name));
    expect(gateway.intents.flatMap(({ events }) => events).filter((name) => !known.has(name))).toEqual([]);
  });
});

describe("errorCodes", () => {
  const rows = Object.entries(errorCodes);

  test("has each number once, with the HTTP status of the rule", () => {
    expect(new Set(rows.map(([, { code }]) => code)).size).toBe(rows.length);
    for (const [name, { code, httpStatus }] of rows) expect([name, httpStatus]).toEqual([name, httpStatusOfCode(code)]);
    expect(errorCodes.UNKNOWN_CHANNEL).toEqual({ code: 10003, message: "Unknown Channel", httpStatus: 404 });
  });

  test("agrees with the platform's own table wherever that has one of Discord's codes", () => {
    const byCode = new Map(rows.map(([name, row]) => [row.code, { name, ...row }]));
    for (const [name, { discordCode, httpStatus, message }] of Object.entries(errorTable)) {
      if (discordCode === 0 || name === "NOT_A_MEMBER") continue;
      expect(byCode.get(discordCode)).toEqual({ name, code: discordCode, httpStatus, message });
    }
  });

  test("has most of the numbers that Discord's published types have", () => {
    const own = new Set(rows.map(([, { code }]) => code));
    const published = [...numbersOf(RESTJSONErrorCodes)].map(Number);
    const shared = published.filter((code) => own.has(code));
    expect(shared.length / published.length).toBeGreaterThan(0.7);
  });
});

describe("the other tables", () => {
  test("have the permission bits that Discord's published types have", () => {
    const values = permissionRows.map(({ value }) => BigInt(value));
    for (const { bit, value } of permissionRows) expect(1n << BigInt(bit)).toBe(BigInt(value));
    expect(values.reduce((all, bit) => all | bit)).toBe(BigInt(permissions.all));
    const dead = Object.keys(permissions.dead_bits).map((bit) => 1n << BigInt(bit));
    const missing = Object.values(PermissionFlagsBits).filter((bit) => !values.includes(bit) && !dead.includes(bit));
    expect(missing).toEqual([]);
  });

  test("have routes, each method and path once within its group", () => {
    const names = restEndpoints.map(({ group, method, path }) => `${group}: ${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain("Messages: POST /channels/{c}/messages");
  });

  test("have limits with both ends where there are two", () => {
    expect([limits.content, limits.guild_name, gatewayLimits.large_threshold]).toEqual([
      2000,
      { min: 2, max: 100 },
      { min: 50, max: 250 },
    ]);
  });
});
