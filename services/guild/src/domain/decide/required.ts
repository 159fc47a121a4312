import type { Command } from "@guildhall/proto";
import { namedInText } from "./mentions.ts";
import type { LoadedMessage } from "./turn.ts";

/** What has to be in memory before something is decided or read. */
export interface Required {
  readonly members: readonly bigint[];
  readonly messages: readonly { readonly channelId: bigint; readonly messageId: bigint }[];
}

/**
 * What a command needs. Asked again with what has been loaded, as one thing names others: an edited message its author
 * and those it mentions.
 */
export function requiredBy(
  { actor, body }: Command,
  loaded: (channelId: bigint, messageId: bigint) => LoadedMessage | undefined,
): Required {
  const own = actor?.profile === undefined ? [] : [actor.profile.id];
  switch (body?.$case) {
    case "createMessage": {
      const { content, reference, channelId } = body.value;
      const messages = reference === undefined ? [] : [{ channelId, messageId: reference.messageId }];
      const replied = reference && loaded(channelId, reference.messageId);
      return { members: withNamed(own, content, replied?.authorId), messages };
    }
    case "editMessage": {
      const { content, channelId, messageId } = body.value;
      const before = loaded(channelId, messageId);
      const members = withNamed(own, content ?? "", before?.authorId);
      const answered = before === undefined || before.referenceId === 0n ? [] : [before.referenceId];
      const messages = [messageId, ...answered].map((id) => ({ channelId, messageId: id }));
      return { members: [...members, ...(before?.mentionIds ?? [])], messages };
    }
    case "deleteMessage":
    case "addReaction":
    case "removeReaction": {
      const { channelId, messageId } = body.value;
      return { members: own, messages: [{ channelId, messageId }] };
    }
    case "grantRole":
    case "revokeRole":
    case "kickMember":
      return { members: [...own, body.value.userId], messages: [] };
    case "addBot":
      return { members: [...own, body.value.bot?.id ?? 0n], messages: [] };
    case "addPeople":
      return { members: [...own, ...body.value.people.map(({ id }) => id)], messages: [] };
    case "putOverwrite": {
      const { overwrite } = body.value;
      return { members: overwrite?.type === 1 ? [...own, overwrite.id] : own, messages: [] };
    }
    case "editGuild": {
      const { ownerId } = body.value;
      return { members: ownerId === undefined ? own : [...own, ownerId], messages: [] };
    }
    default:
      return { members: own, messages: [] };
  }
}

function withNamed(own: readonly bigint[], content: string, author: bigint | undefined): bigint[] {
  const members = [...own, ...namedInText(content).users];
  if (author !== undefined) members.push(author);
  return members;
}
