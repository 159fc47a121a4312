import type { ReactionCount } from "../domain/reaction-counts.ts";

/** A message as a page holds it. */
export interface PageMessage {
  readonly messageId: bigint;
  readonly openJson: Uint8Array;
  readonly reactions: readonly ReactionCount[];
  /** Of a reply: the `openJson` of what it answers, null when that is gone. */
  readonly answered?: Uint8Array | null;
}

const comma = Buffer.from(",");
const answers = Buffer.from(`,"referenced_message":`);
const gone = Buffer.from(`,"referenced_message":null`);
const close = Buffer.from("}");
const open = Buffer.from("[");
const end = Buffer.from("]");

/** A JSON array of messages, with `reactions` where there are any; `isMe` says whether the viewer is among them. */
export function renderPage(
  messages: readonly PageMessage[],
  isMe: (message: PageMessage, reaction: ReactionCount) => boolean,
): Buffer {
  const parts: Uint8Array[] = [open];
  for (const [index, message] of messages.entries()) {
    if (index > 0) parts.push(comma);
    parts.push(message.openJson);
    if (message.answered === null) parts.push(gone);
    else if (message.answered !== undefined) parts.push(answers, message.answered, close);
    if (message.reactions.length > 0) {
      const items = message.reactions.map((reaction) => renderReaction(reaction, isMe(message, reaction)));
      parts.push(Buffer.from(`,"reactions":[${items.join(",")}]`));
    }
    parts.push(close);
  }
  parts.push(end);
  return Buffer.concat(parts);
}

/** Discord's reaction object; burst ("super") reactions do not exist here. */
function renderReaction({ emojiId, emojiName, count }: ReactionCount, me: boolean): string {
  const emoji = `{"id":${emojiId === 0n ? "null" : `"${emojiId}"`},"name":${JSON.stringify(emojiName)}}`;
  const details = `{"burst":0,"normal":${count}}`;
  return `{"emoji":${emoji},"count":${count},"count_details":${details},"burst_colors":[],"me":${me},"me_burst":false}`;
}
