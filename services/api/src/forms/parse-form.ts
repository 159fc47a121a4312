import { type FieldError, GuildhallError } from "@guildhall/errors";
import type { z } from "zod";
import { toFieldErrors } from "./form-errors.ts";

const reporting = { reportInput: true };

/** Reads one place of a request by its schema; adds every failure to `fields`. Unknown keys are ignored. */
export function parsePlace(schema: z.ZodType | undefined, input: unknown, fields: FieldError[]): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(input, reporting);
  if (result.success) return result.data;
  fields.push(...toFieldErrors(result.error.issues));
  return undefined;
}

/** Throws INVALID_FORM with every failure at once, if there is one. */
export function refuseFailures(fields: readonly FieldError[]): void {
  if (fields.length > 0) throw new GuildhallError("INVALID_FORM", "the form is invalid", { fields });
}

/** The error of one wrong field. */
export function invalidField(path: readonly string[], code: string, message: string): GuildhallError {
  return new GuildhallError("INVALID_FORM", "the form is invalid", { fields: [{ path, code, message }] });
}
