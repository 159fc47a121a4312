import { InvalidArgumentError, Option } from "commander";

/** How an answer is shown. */
export type Format = "table" | "json";

/** `-o`, on every command that answers with data. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "how to show it").choices(["table", "json"]).default("table");
}

/** `--dry-run`, on every command that changes something. */
export function dryRunOption(): Option {
  return new Option("--dry-run", "only say what would be done").default(false);
}

/** A shard as "3/8". */
export function shardArgument(text: string): string {
  const [i, n] = text.split("/").map(Number);
  if (/^\d{1,5}\/\d{1,5}$/.test(text) && i !== undefined && n !== undefined && i < n) return text;
  throw new InvalidArgumentError('It must be a shard as "3/8": number 3 of 8, as `guildhall shards` names it.');
}

/** A number of shards. */
export function shardCount(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && Math.log2(value) % 1 === 0 && value <= 65_536) return value;
  throw new InvalidArgumentError("It must be a power of two from 1 to 65536.");
}

/** The id of a message. */
export function messageIdArgument(text: string): string {
  if (/^\d{1,19}$/.test(text)) return text;
  throw new InvalidArgumentError("It must be the id of a message: digits only.");
}

/** How many of something to show. */
export function limit(text: string): number {
  const value = Number(text);
  if (/^\d{1,5}$/.test(text) && value <= 10_000) return value;
  throw new InvalidArgumentError("It must be a whole number from 0 to 10000.");
}
