import type { Command } from "@guildhall/proto";

/** What an enforced nonce is known by; empty when the command enforces none. */
export function nonceKeyOf({ actor, body }: Command): string {
  if (body?.$case !== "createMessage" || !body.value.enforceNonce || body.value.nonceJson === "") return "";
  return `${actor?.profile?.id ?? 0n}:${body.value.channelId}:${body.value.nonceJson}`;
}
