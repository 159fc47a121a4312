import { directoryKind } from "./directory-engine.ts";
import { serveEngine } from "./engine-worker.ts";

serveEngine(directoryKind);
