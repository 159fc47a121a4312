import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { directoryKind } from "./directory-engine.ts";
import { toEngineError } from "./engine-error.ts";
import { assertSound } from "./engine-runner.ts";
import { journalKind } from "./journal-engine.ts";
import { storeKind } from "./store-engine.ts";
import type { VerifyAsk, VerifyReply } from "./verification.ts";

const { path, kind } = workerData as VerifyAsk;

/** Looks through the database and posts what it found. */
function verify(): VerifyReply {
  try {
    using db = new DatabaseSync(path, { readOnly: true, readBigInts: true, timeout: 5_000 });
    switch (kind) {
      case "journal":
        assertSound(db, path, journalKind);
        break;
      case "store":
        assertSound(db, path, storeKind);
        break;
      case "directory":
        assertSound(db, path, directoryKind);
        break;
      default:
        kind satisfies never;
    }
    return { damage: undefined };
  } catch (error) {
    const { fault, message } = toEngineError(path, error);
    return { damage: fault === "damaged" ? message : undefined };
  }
}

parentPort?.postMessage(verify());
