export { type ManualTime, makeManualTime } from "./manual-time.ts";
export { makeTempDir, type TempDir } from "./temp-dir.ts";
export { waitFor } from "./wait-for.ts";
