// Checked before anything else is loaded: older Nodes cannot read the rest.
const least = 24;
if (Number.parseInt(process.versions.node, 10) < least) {
  process.stderr.write(`guildhall: needs Node ${least} or later, this is ${process.versions.node}\n`);
  process.exit(1);
}
const { runCommand } = await import("./command.ts");
await runCommand(process.argv.slice(2));

export {};
