import { serveEngine } from "./engine-worker.ts";
import { storeKind } from "./store-engine.ts";

serveEngine(storeKind);
