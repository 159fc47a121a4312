import type { FieldError } from "@guildhall/errors";
import type { z } from "zod";

type Issue = z.core.$ZodIssue;

/** Zod's issues as Discord's field errors; needs `reportInput`, for a missing field is told by its input. */
export function toFieldErrors(issues: readonly Issue[]): FieldError[] {
  return issues.map((issue) => ({ path: issue.path.map(String), ...codeAndMessage(issue) }));
}

interface CodeAndMessage {
  readonly code: string;
  readonly message: string;
}

function codeAndMessage(issue: Issue): CodeAndMessage {
  if (issue.code === "custom") return { code: String(issue.params?.discord), message: issue.message };
  if (issue.code === "too_big") {
    return { code: "BASE_TYPE_MAX_LENGTH", message: `Must be ${issue.maximum} or fewer in length.` };
  }
  if (issue.code !== "invalid_type") return { code: "BASE_TYPE_CHOICES", message: issue.message };
  if (issue.input === undefined || issue.input === null) {
    return { code: "BASE_TYPE_REQUIRED", message: "This field is required" };
  }
  if (issue.expected === "array") {
    return { code: "LIST_TYPE_CONVERTIBLE", message: "Only iterables may be used in a ListType" };
  }
  return { code: "MODEL_TYPE_CONVERTIBLE", message: "Only dictionaries may be used in a ModelType" };
}
