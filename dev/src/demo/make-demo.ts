import { runErrand } from "../errand/run-errand.ts";
import { type Demo, readDemo } from "./demo.ts";

/** Where the demo is kept, and the RPC addresses of what makes it. */
export interface DemoErrand {
  readonly file: string;
  readonly router: string;
  readonly user: string;
  readonly coordinator: string;
}

/** The demo of a fleet: as the file keeps it, or made through the services the first time. */
export async function makeDemo(errand: DemoErrand, signal?: AbortSignal): Promise<Demo> {
  return readDemo(errand.file) ?? (await runErrand<Demo>(new URL("./main.ts", import.meta.url), errand, signal));
}
