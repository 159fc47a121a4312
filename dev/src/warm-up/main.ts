import { globSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { servicePrograms } from "../programs.ts";

// Nobody waits for the cache any more.
const leave = () => process.exit(1);
process.once("disconnect", leave);

const services = [
  () => import("@guildhall/data"),
  () => import("@guildhall/coordinator"),
  () => import("@guildhall/router"),
  () => import("@guildhall/user"),
  () => import("@guildhall/guild"),
  () => import("@guildhall/gateway"),
  () => import("@guildhall/api"),
];
for (const load of services) await load();
// What runs in threads; outside of one it refuses to run, but has been loaded by then.
const root = fileURLToPath(new URL("../../../services", import.meta.url));
const workers = globSync(`${root}/*/src/**/*-worker.ts`);
await Promise.allSettled(workers.map((worker) => import(pathToFileURL(worker).href)));
flushCompileCache();
process.send?.("warm");
process.off("disconnect", leave);

// The main files run when they are loaded: with a setting that each refuses (see warmUp), they end at once.
await Promise.all(Object.values(servicePrograms()).map((main) => import(pathToFileURL(main).href)));
