import { fileURLToPath } from "node:url";
import type { Part } from "@guildhall/operator/plan";

/** The main file of each part. */
export type Programs = Readonly<Record<Part, string>>;

/** The services of this checkout. */
export function servicePrograms(): Programs {
  const path = fileURLToPath;
  return {
    data: path(import.meta.resolve("@guildhall/data/main")),
    coordinator: path(import.meta.resolve("@guildhall/coordinator/main")),
    router: path(import.meta.resolve("@guildhall/router/main")),
    user: path(import.meta.resolve("@guildhall/user/main")),
    guild: path(import.meta.resolve("@guildhall/guild/main")),
    gateway: path(import.meta.resolve("@guildhall/gateway/main")),
    api: path(import.meta.resolve("@guildhall/api/main")),
  };
}
