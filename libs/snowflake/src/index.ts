export { makeSlewedClock, type SlewedClock, type SlewedClockOptions } from "./clock.ts";
export { type IdGenerator, type IdGeneratorOptions, makeIdGenerator } from "./generator.ts";
export {
  discordEpochMs,
  parseSnowflake,
  type Snowflake,
  smallestIdAt,
  timestampMsOf,
  workerIdOf,
} from "./snowflake.ts";
