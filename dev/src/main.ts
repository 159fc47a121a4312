import { enableCompileCache } from "node:module";

// Checked before anything else is loaded: older Nodes cannot read the rest.
const least = 24;
if (Number.parseInt(process.versions.node, 10) < least) {
  process.stderr.write(`guildhall: needs Node ${least} or later, this is ${process.versions.node}\n`);
  process.exit(1);
}
const { compileCache } = await import("./supervisor/node-flags.ts");
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? compileCache);
const { runCommand } = await import("./command.ts");
await runCommand(process.argv.slice(2));
