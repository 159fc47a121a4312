import { serveEngine } from "./engine-worker.ts";
import { journalKind } from "./journal-engine.ts";

serveEngine(journalKind);
