import Type, { type TUnsafe } from "typebox";
import { durationPattern } from "./duration.ts";

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

/** An object that takes no other fields; left out, it is made of its fields' defaults. */
export function section<P extends Parameters<typeof Type.Object>[0]>(description: string, properties: P) {
  return Type.Object(properties, { additionalProperties: false, default: {}, description });
}
