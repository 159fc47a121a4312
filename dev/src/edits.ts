import { toGuildhallError } from "@guildhall/errors";
import { formatChanges, type SpecChange } from "@guildhall/operator/plan";
import type { FleetContext } from "./context.ts";
import { checkVersion } from "./launch.ts";
import type { SpecFileListener } from "./reconcile/spec-file.ts";
import { readSpec, type SpecSource } from "./spec/read-spec.ts";

/** Takes edited documents over, one after another. */
export interface Edits {
  /** Reads, checks and takes over; resolves with what changed. Throws BAD_SPEC, and nothing has changed then. */
  take(source: SpecSource): Promise<readonly SpecChange[]>;
  /** Follows a file: what is refused is said. */
  follow(file: string): SpecFileListener;
}

/** The edits of a running fleet's document. */
export function makeEdits({ output, reconciler }: Pick<FleetContext, "output" | "reconciler">): Edits {
  let last: Promise<unknown> = Promise.resolve();
  const takeNow = async (source: SpecSource): Promise<readonly SpecChange[]> => {
    const name = "file" in source ? source.file : "ShardSet";
    const document = await readSpec(source);
    checkVersion(document);
    const changes = await reconciler.accept(document, name);
    output.say(changes.length === 0 ? `${name}: nothing has changed` : `${name}: ${formatChanges(changes)}`);
    return changes;
  };
  const take = (source: SpecSource): Promise<readonly SpecChange[]> => {
    const taken = last.then(() => takeNow(source));
    last = taken.catch(() => {});
    return taken;
  };
  return {
    take,
    follow: (file) => ({
      onEdit() {
        take({ file }).catch((error: unknown) =>
          output.say(`refused, nothing changes: ${toGuildhallError(error).message}`, "warn"),
        );
      },
      onMissing: () => output.say(`${file} is gone: the fleet goes on as it said last`, "warn"),
    }),
  };
}
