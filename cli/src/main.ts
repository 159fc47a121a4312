import { fileURLToPath } from "node:url";
import { isGuildhallError } from "@guildhall/errors";
import { makeProgram } from "./program.ts";
import { terminalOutput } from "./terminal.ts";

const defaultState = fileURLToPath(new URL("../../.guildhall", import.meta.url));
try {
  await makeProgram(terminalOutput, defaultState).parseAsync();
} catch (error) {
  const fields = isGuildhallError(error) ? (error.fields ?? []).map(({ message }) => message) : [];
  const message = Error.isError(error) ? error.message : String(error);
  process.stderr.write(`guildhall: ${[message, ...fields].join(" ")}\n`);
  process.exitCode = 1;
}
// A chat that ended leaves standard input open.
process.stdin.unref?.();
