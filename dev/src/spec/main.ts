import { validateShardSet } from "@guildhall/operator/api";
import { answerErrand } from "../errand/answer-errand.ts";
import type { SpecSource } from "./read-spec.ts";
import { readYamlFile } from "./yaml-file.ts";

answerErrand(async (source: SpecSource) =>
  "file" in source ? validateShardSet(await readYamlFile(source.file), source.file) : validateShardSet(source.document),
);
