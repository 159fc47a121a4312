import Type, { type TUnsafe } from "typebox";
import { durationPattern } from "./duration.ts";
import { daysPattern, timePattern } from "./window.ts";

/** A text field with a closed set of values. */
export function choice<const V extends readonly string[]>(
  values: V,
  options: { readonly description: string; readonly default?: V[number] },
): TUnsafe<V[number]> {
  return Type.Unsafe<V[number]>({ type: "string", enum: [...values], ...options });
}

/** A field that takes exactly one text. */
export function exactly<const V extends string>(value: V, description: string): TUnsafe<V> {
  return Type.Unsafe<V>({ type: "string", enum: [value], description });
}

/** A whole number within limits, both included. */
export function count(minimum: number, maximum: number, standard: number, description: string) {
  return Type.Integer({ minimum, maximum, default: standard, description });
}

/** A duration as text; its limits are in `rules`, since a schema cannot compare units. */
export function duration(standard: string, description: string) {
  return Type.String({ pattern: durationPattern, default: standard, description });
}

/** A number within limits, both included. */
export function ratio(minimum: number, maximum: number, standard: number, description: string) {
  return Type.Number({ minimum, maximum, default: standard, description });
}

/** Spans of time in which something may happen; none = at any time. */
export function windows(description: string) {
  const time = (name: string) => Type.String({ pattern: timePattern, description: `${name}, as "03:00".` });
  const window = Type.Object(
    {
      days: Type.Array(Type.String({ pattern: daysPattern, description: 'A day or a span: "Sat", "Mon-Fri".' }), {
        maxItems: 7,
        default: [],
        description: "On which days it begins; none = every day.",
      }),
      from: time("When it begins"),
      to: time("When it ends; a time before `from` is on the next day"),
      timeZone: Type.String({
        minLength: 1,
        maxLength: 64,
        default: "UTC",
        description: "IANA name of the zone of both times.",
      }),
    },
    { additionalProperties: false, description: "A span of time on some days." },
  );
  return Type.Array(window, { maxItems: 32, default: [], description });
}

/** An object that takes no other fields; left out, it is made of its fields' defaults. */
export function section<P extends Parameters<typeof Type.Object>[0]>(description: string, properties: P) {
  return Type.Object(properties, { additionalProperties: false, default: {}, description });
}
