import { readFile } from "node:fs/promises";
import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import { LineCounter, parseAllDocuments } from "yaml";

/** The one document of a YAML file, parsed. Throws GuildhallError BAD_SPEC with the place of each mistake. */
export async function readYamlFile(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new GuildhallError("BAD_SPEC", `cannot read the spec: ${toGuildhallError(error).message}`, { cause: error });
  });
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter, prettyErrors: false });
  const [document, ...others] = "empty" in documents ? [] : documents;
  if (document === undefined) throw new GuildhallError("BAD_SPEC", `${file}: is empty`);
  const problems = [document, ...others].flatMap(({ errors }) =>
    errors.map(({ pos, message }) => {
      const { line, col } = lineCounter.linePos(pos[0]);
      return `${file}:${line}:${col}: ${message}`;
    }),
  );
  if (problems.length > 0) throw new GuildhallError("BAD_SPEC", problems.join("; "));
  if (others.length > 0)
    throw new GuildhallError("BAD_SPEC", `${file}: holds ${others.length + 1} documents, must be one`);
  return document.toJS({ maxAliasCount: 100 });
}
