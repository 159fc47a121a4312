import type { EpochRecord, NotOwner } from "@guildhall/proto";
import { slotOf } from "@guildhall/slots";
import type { OwnerMap } from "../ports.ts";

/** Who is known to own what this host does not: by the map, and by what the journal and other hosts have said. */
export interface Owners {
  /** Somebody has been seen to own something; `address` where known. */
  learn(row: EpochRecord | undefined, address?: string): void;
  /** Where an incarnation is reached; kept for when it comes to own something. */
  hint(incarnation: string, address: string): void;
  /** What is answered for a topic that this host does not own. */
  notOwner(topic: bigint): NotOwner;
}

const maxHints = 256;

/** Makes them, over a map that is kept up to date elsewhere. */
export function makeOwners(map: OwnerMap, self: { readonly incarnation: string }): Owners {
  const hints = new Map<string, string>();

  /** That of the incarnation; else of another one of the same host, which is likely to be where that was. */
  const addressOf = (incarnation: string, host: string): string => {
    const hint = hints.get(incarnation);
    if (hint !== undefined) return hint;
    const known = map.entries().filter((entry) => entry.address !== "" && entry.host === host);
    return (known.find((entry) => entry.incarnation === incarnation) ?? known.at(-1))?.address ?? "";
  };

  return {
    learn(row, address) {
      if (row?.range === undefined || row.incarnation === "") return;
      const { range, host, epoch, incarnation } = row;
      map.learn({ range, host, epoch, incarnation, address: address || addressOf(incarnation, host) });
    },
    hint(incarnation, address) {
      if (incarnation === "" || address === "") return;
      hints.delete(incarnation);
      hints.set(incarnation, address);
      for (const oldest of hints.keys()) {
        if (hints.size <= maxHints) break;
        hints.delete(oldest);
      }
    },
    notOwner(topic) {
      const slot = slotOf(topic);
      const known = map.ownerOf(slot);
      // What this host owned, or is about to open, it does not name.
      if (known === undefined || known.incarnation === self.incarnation) {
        return { slot, epoch: 0, host: "", address: "", range: undefined, incarnation: "" };
      }
      const { epoch, host, range, incarnation, address } = known;
      return { slot, epoch, host, range, incarnation, address: address || addressOf(incarnation, host) };
    },
  };
}
