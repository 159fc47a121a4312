interface Message {
  author?: { id?: unknown };
  mentions?: readonly { id?: unknown }[];
  content?: unknown;
  embeds?: unknown;
  attachments?: unknown;
  components?: unknown;
  poll?: unknown;
  referenced_message?: Message | null;
}

/**
 * Blanks what a bot without the MESSAGE_CONTENT intent may not see, in a message or a list of them: all but its own
 * messages and those that mention it.
 */
export function hideContent(json: Uint8Array, botId: string): Buffer {
  const value = JSON.parse(Buffer.from(json).toString(), keepBigNumbers) as Message | Message[];
  for (const message of Array.isArray(value) ? value : [value]) hideInMessage(message, botId);
  return Buffer.from(JSON.stringify(value));
}

function hideInMessage(message: Message, botId: string): void {
  if (message.referenced_message) hideInMessage(message.referenced_message, botId);
  if (message.author?.id === botId || message.mentions?.some(({ id }) => id === botId)) return;
  if ("content" in message) message.content = "";
  if ("embeds" in message) message.embeds = [];
  if ("attachments" in message) message.attachments = [];
  if ("components" in message) message.components = [];
  delete message.poll;
}

/** A nonce may be an integer of any size: it is written as it was read. */
function keepBigNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || context?.source === undefined) return value;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(context.source);
}
