// A process as the supervisor expects one: ready over IPC, stops on SIGTERM and with its parent.
// TRACE: a file that gets a line for each thing it does. FAULT: what is wrong with it.
import { appendFileSync } from "node:fs";
import { basename } from "node:path";

// biome-ignore lint/style/noProcessEnv: it is the whole program
const { GUILDHALL_NAME: name = basename(import.meta.filename), TRACE: trace, FAULT: fault = "" } = process.env;
const note = (what: string) => {
  if (trace !== undefined) appendFileSync(trace, `${name} ${what}\n`);
};
const stop = () => {
  note("stops");
  if (fault !== "stubborn") process.exit(0);
};

note("starts");
process.on("SIGTERM", stop);
process.on("disconnect", () => process.exit(0));
setInterval(() => {}, 1_000);
if (fault === "crashes") throw new Error("as it was told to");
process.stdout.write(`${JSON.stringify({ level: 30, name, msg: "listening" })}\n`);
if (fault !== "mute") process.send?.({ ready: { name, address: "", metrics: `http://127.0.0.1/${name}`, ports: {} } });
