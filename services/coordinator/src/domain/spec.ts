import { type FieldError, GuildhallError } from "@guildhall/errors";
import { isShardCount } from "@guildhall/slots";
import type { FleetSpec } from "./kept.ts";
import { isTimeZone } from "./windows.ts";

/** What a fleet is before anybody applied a spec: so many shards over these hosts, nothing moves by itself. */
export function initialSpec(shards: number, hosts: readonly string[]): FleetSpec {
  return {
    shards,
    hosts,
    paused: false,
    approvalRequired: true,
    movesPerHost: 2,
    reshardingWindows: [],
    rebalancingMode: "Off",
    trigger: 1.1,
    target: 1.03,
    cooldownMs: 600_000,
    rebalancingWindows: [],
  };
}

const maxHosts = 4_096;
const minutesADay = 1_440;

/** Checks a spec by itself. Throws GuildhallError BAD_SPEC that names every wrong field. */
export function checkSpec(spec: FleetSpec): void {
  const fields: FieldError[] = [];
  const check = (isRight: boolean, path: string, message: string): void => {
    if (!isRight) fields.push({ path: path.split("."), code: "BAD_SPEC", message });
  };
  const { hosts, movesPerHost, trigger, target, rebalancingMode } = spec;
  check(isShardCount(spec.shards), "shards", "must be a power of two from 1 to 65536");
  const isSized = hosts.length >= 1 && hosts.length <= maxHosts;
  check(isSized && !hosts.includes(""), "guild.hosts", `must be from 1 to ${maxHosts} names`);
  check(new Set(hosts).size === hosts.length, "guild.hosts", "names a host twice");
  check(movesPerHost >= 1 && movesPerHost <= 64, "resharding.movesPerHost", "must be from 1 to 64");
  check(["Off", "DryRun", "Auto"].includes(rebalancingMode), "rebalancing.mode", "must be Off, DryRun or Auto");
  check(
    target >= 1 && trigger >= target && trigger <= 100,
    "rebalancing.trigger",
    "must be from target, which is ≥ 1, to 100",
  );
  for (const part of ["resharding", "rebalancing"] as const) {
    for (const [index, window] of spec[`${part}Windows`].entries()) {
      const path = `${part}.windows.${index}`;
      check(
        window.days.every((day) => day <= 6),
        `${path}.days`,
        "must be days of the week",
      );
      check(Math.max(window.fromMinute, window.toMinute) <= minutesADay, path, "must be times of the day");
      check(isTimeZone(window.timeZone), `${path}.timeZone`, `${window.timeZone} is not a time zone known here`);
    }
  }
  throwWhen(fields);
}

/** Throws GuildhallError BAD_SPEC for one field. */
export function refuseSpec(path: string, message: string): never {
  throwWhen([{ path: path.split("."), code: "BAD_SPEC", message }]);
  throw new GuildhallError("INTERNAL", message);
}

function throwWhen(fields: readonly FieldError[]): void {
  if (fields.length === 0) return;
  const text = fields.map(({ path, message }) => `spec.${path.join(".")}: ${message}`).join("; ");
  throw new GuildhallError("BAD_SPEC", text, { fields });
}
