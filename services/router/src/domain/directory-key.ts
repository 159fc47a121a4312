import type { DirectoryKey, DirectoryKind } from "@guildhall/proto";

// The numbers of the proto's enum, so that the domain needs its types only.
const channel = 1 satisfies DirectoryKind;
const invite = 2 satisfies DirectoryKind;

/** What the directory knows a channel by. */
export function channelKey(channelId: bigint): DirectoryKey {
  return { kind: channel, key: String(channelId) };
}

/** What the directory knows an invite by. */
export function inviteKey(code: string): DirectoryKey {
  return { kind: invite, key: code };
}

/** Whether a key is an invite's. */
export function isInviteKey({ kind }: DirectoryKey): boolean {
  return kind === invite;
}
