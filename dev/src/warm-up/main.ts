import { flushCompileCache } from "node:module";
import { pathToFileURL } from "node:url";
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
flushCompileCache();
process.send?.("warm");
process.off("disconnect", leave);

// The main files run when they are loaded: with a setting that each refuses (see warmUp), they end at once.
await Promise.all(Object.values(servicePrograms()).map((main) => import(pathToFileURL(main).href)));
