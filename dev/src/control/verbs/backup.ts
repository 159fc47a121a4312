import type { Part } from "@guildhall/operator/plan";
import { restoreState, verifyForRestore } from "../../backup/restore.ts";
import { checkTarget, takeBackup } from "../../backup/take-backup.ts";
import type { FleetContext } from "../../context.ts";
import { readDemo } from "../../demo/demo.ts";
import { ownVersion } from "../../launch.ts";
import { stateVersion } from "../../state/folder.ts";
import type { BackedUpFile } from "../api.ts";
import { flag, folder as folderField, readForm } from "../forms.ts";
import { askData, askUser } from "../peers.ts";
import type { Verbs } from "../verbs.ts";

/** Copying takes as long as the files are large. */
const copyTimeoutMs = 3_600_000;
/** A process that ends again and again does not like what it was given: then the state before comes back soon. */
const startLimits = { timeoutMs: 90_000, mostEnds: 4 };

const form = { folder: folderField, dryRun: flag };

/** Copying a fleet's state, and putting a copy in its place. */
export function backupVerbs(context: FleetContext): Verbs<"backup" | "restore"> {
  const { folder: state, operations, output } = context;
  return {
    async backup(body) {
      const { folder, dryRun } = readForm(body, form);
      checkTarget(folder);
      if (dryRun) return { dryRun, lines: [`would back up ${state.path} into ${folder}`], files: [] };
      using _turn = operations.begin("a backup", "a backup");
      output.say(`backs up into ${folder}`);
      const { files } = await takeBackup(folder, sourceOf(context));
      const line = `${files.length} files, ${sizeOf(files)}, in ${folder}`;
      output.say(`the backup is made: ${line}`);
      return { dryRun, lines: [line], files };
    },
    async restore(body) {
      const { folder, dryRun } = readForm(body, form);
      if (dryRun) {
        const { files, madeAt, version } = await verifyForRestore(folder);
        const line = `${folder} is whole: ${files.length} files, ${sizeOf(files)}, of ${madeAt}, by ${version}`;
        return { dryRun, lines: [line, `would replace the state in ${state.path} by it; every process restarts`] };
      }
      using _turn = operations.beginAll("a restoration");
      const lines: string[] = [];
      const say = (line: string): void => {
        lines.push(line);
        output.say(line);
      };
      await restoreState(state.path, folder, { say, stop: () => stopAll(context), start: () => startAll(context) });
      return { dryRun, lines };
    },
  };
}

function sourceOf({ places, coordinator, folder, reconciler }: FleetContext) {
  const { document, reshard } = reconciler;
  return {
    async backUpPart(part: Part, into: string, names: readonly string[]) {
      const ask = { folder: into, names: [...names] };
      const options = { timeoutMs: copyTimeoutMs };
      if (part === "data") return await askData({ places }, "data-0", (data) => data.call("backup", ask, options));
      if (part === "user") return await askUser({ places }, "user-0", (user) => user.call("backup", ask, options));
      return await (await coordinator.client()).call("backup", ask, options);
    },
    plainFiles: [folder.file("demo.json")],
    document,
    facts: {
      stateVersion,
      version: ownVersion(),
      fleet: document.metadata.name,
      serving: reshard?.serving ?? document.spec.shards,
      api: places.apiUrl,
      gateway: places.gatewayUrl,
    },
  };
}

/** Stops every process. Gateways do not wait for their clients: what those had seen is not what comes. */
async function stopAll({ supervisor, publication }: FleetContext): Promise<void> {
  publication.withdraw();
  for (const child of supervisor.children.values()) {
    if (supervisor.partOf(child.name) === "gateway") child.send({ front: "closed" });
  }
  await supervisor.stop();
}

async function startAll({ supervisor, publication, folder, crew }: FleetContext): Promise<void> {
  await supervisor.start(startLimits);
  crew.held.clear();
  publication.open(readDemo(folder.file("demo.json")));
}

function sizeOf(files: readonly BackedUpFile[]): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1_024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
