/** A 64-bit id: 42 bits of milliseconds since `discordEpochMs`, 10 bits of worker id, 12 bits of increment. */
export type Snowflake = bigint;

/** The first second of 2015 in Unix time (ms), where ids begin; clients compute with it, so it cannot be another. */
export const discordEpochMs = 1_420_070_400_000;

const decimal = /^(?:0|[1-9]\d{0,19})$/;
const limit = 1n << 64n;

/** The id that text spells: 1 to 20 decimal digits, no leading zero but "0" itself, below 2^64; else undefined. */
export function parseSnowflake(text: string): Snowflake | undefined {
  if (!decimal.test(text)) return undefined;
  const id = BigInt(text);
  return id < limit ? id : undefined;
}

/** When an id was made, in Unix time (ms). */
export function timestampMsOf(id: Snowflake): number {
  return Number(id >> 22n) + discordEpochMs;
}

/** The worker id (0 to 1023) of the process that made an id. */
export function workerIdOf(id: Snowflake): number {
  return Number((id >> 12n) & 0x3ffn);
}

/** The smallest id whose time is not before `ms` (Unix time); 0 for times before `discordEpochMs`. */
export function smallestIdAt(ms: number): Snowflake {
  return BigInt(Math.max(0, Math.ceil(ms) - discordEpochMs)) << 22n;
}
