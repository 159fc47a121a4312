import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { durationPattern } from "./duration.ts";
import { percentPattern } from "./percent.ts";
import { badSpec, type SpecProblem } from "./problems.ts";
import { brokenRules } from "./rules.ts";
import { type ShardSet, shardSetSchema } from "./shard-set.ts";
import { daysPattern, timePattern } from "./window.ts";

/** What a text that does not match one of these patterns should have been. */
const examples: ReadonlyMap<unknown, string> = new Map([
  [durationPattern, 'must be a duration such as "120s" or "41250ms"'],
  [percentPattern, 'must be a percentage from "1%" to "100%"'],
  [daysPattern, 'must be a day or a span of days such as "Sat" or "Mon-Fri"'],
  [timePattern, 'must be a time such as "03:00"'],
]);

let compiled: ValidateFunction | undefined;

/**
 * Checks a parsed document and fills in defaults, in a copy. Throws GuildhallError BAD_SPEC that holds every problem
 * with its path, in the message and in `fields`. `source` (a file's name) begins the message.
 */
export function validateShardSet(document: unknown, source = "ShardSet"): ShardSet {
  // Compiling takes longer than checking: only those who check pay for it.
  compiled ??= new Ajv({ allErrors: true, useDefaults: true, verbose: true }).compile(shardSetSchema);
  const copy: unknown = structuredClone(document);
  const problems = compiled(copy) ? [] : (compiled.errors ?? []).map(problemOf);
  problems.push(...brokenRules(copy));
  if (problems.length > 0) throw badSpec(source, problems);
  return copy as ShardSet;
}

function problemOf(error: ErrorObject): SpecProblem {
  const place = error.instancePath.slice(1).replaceAll("/", ".");
  const inside = (field: string) => (place === "" ? field : `${place}.${field}`);
  switch (error.keyword) {
    case "required":
      return { path: inside(String(error.params.missingProperty)), message: "is required" };
    case "additionalProperties": {
      const known = Object.keys(error.parentSchema?.properties ?? {}).join(", ");
      const path = inside(String(error.params.additionalProperty));
      return { path, message: `unknown field: this version does not support it (known here: ${known})` };
    }
    default:
      return { path: place, message: place === "" ? "must be a ShardSet document" : wrongValue(error) };
  }
}

function wrongValue(error: ErrorObject): string {
  const schema = error.parentSchema ?? {};
  switch (error.keyword) {
    case "type":
      return `must be ${article(String(error.params.type))}, not ${JSON.stringify(error.data) ?? "nothing"}`;
    case "enum": {
      const values = error.params.allowedValues as readonly unknown[];
      if (typeof values[0] === "number") return "must be a power of two from 1 to 65536";
      return values.length === 1 ? `must be ${values[0]}` : `must be one of ${values.join(", ")}`;
    }
    case "minimum":
    case "maximum":
      if (schema.minimum === schema.maximum) return `must be ${schema.minimum}: other numbers are not supported`;
      return `must be from ${schema.minimum} to ${schema.maximum}`;
    case "pattern":
      return examples.get(schema.pattern) ?? `must be as described: ${schema.description}`;
    default:
      return error.message ?? "is not valid";
  }
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}
