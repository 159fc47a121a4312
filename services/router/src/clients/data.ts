import type { DataClient } from "@guildhall/rpc";
import type { DataPort } from "../domain/ports.ts";

/** Directory and history pages, by `data`'s Exchange. */
export function makeDataPort(client: DataClient): DataPort {
  return {
    async findDirectory(keys, timeoutMs) {
      const { entries } = await client.call("findDirectory", { keys: [...keys] }, { timeoutMs });
      return entries;
    },
    page: (page, options) => client.call("page", page, options),
  };
}
