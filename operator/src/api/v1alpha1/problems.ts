import { GuildhallError } from "@guildhall/errors";

/** Something wrong with a document: where ("spec.shards"), and what. */
export interface SpecProblem {
  readonly path: string;
  readonly message: string;
}

/** The error that reports problems of a document. `source` (a file's name) begins the message. */
export function badSpec(source: string, problems: readonly SpecProblem[]): GuildhallError {
  const text = problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  return new GuildhallError("BAD_SPEC", `${source}: ${text}`, {
    fields: problems.map(({ path, message }) => ({
      path: path === "" ? [] : path.split("."),
      code: "BAD_SPEC",
      message,
    })),
  });
}
