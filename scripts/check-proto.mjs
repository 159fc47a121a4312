// Fails when the generated code in libs/proto is not what proto/ gives, or when proto/ breaks what HEAD (and
// origin/main, where there is one) promised on the wire.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const generated = "libs/proto/src/gen";
const problems = [];

function buf(...args) {
  return spawnSync("buf", args, { encoding: "utf8" });
}

function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

const fresh = mkdtempSync(join(tmpdir(), "guildhall-proto-"));
try {
  cpSync("buf.gen.yaml", join(fresh, "buf.gen.yaml"));
  const made = buf("generate", "--output", fresh);
  if (made.status !== 0) problems.push(`buf generate failed:\n${made.stderr}`);
  const expected = join(fresh, generated);
  if (existsSync(expected)) {
    const names = new Set([...filesOf(expected), ...filesOf(generated)]);
    for (const name of names) {
      const [is, wanted] = [join(generated, name), join(expected, name)];
      const same = existsSync(is) && existsSync(wanted) && readFileSync(is).equals(readFileSync(wanted));
      if (!same) problems.push(`${is} is not fresh: run \`npm run generate\``);
    }
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}

for (const ref of ["HEAD", "origin/main"]) {
  const known = spawnSync("git", ["rev-parse", "--verify", "--quiet", `${ref}^{commit}`]).status === 0;
  const has = known && spawnSync("git", ["cat-file", "-e", `${ref}:proto`]).status === 0;
  if (!has) continue;
  const breaking = buf("breaking", "--against", `.git#ref=${ref}`);
  if (breaking.status !== 0) problems.push(`proto/ breaks ${ref}:\n${breaking.stdout}${breaking.stderr}`);
}

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
