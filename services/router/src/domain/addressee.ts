import { GuildhallError } from "@guildhall/errors";
import type { DirectoryKey, TopicRequest } from "@guildhall/proto";
import { channelKey, inviteKey } from "./directory-key.ts";

/** Whom a request is for: a topic, or what the directory knows a topic by. */
export type Addressee =
  | { readonly topic: bigint; readonly key?: never }
  | { readonly key: DirectoryKey; readonly topic?: never };

type Addressed = { readonly channelId: bigint } | { readonly guildId: bigint } | { readonly code: string };

/** Finds whom a request is for: the topic it names, else the ids in its body. Throws INVALID_FORM when it holds neither. */
export function addresseeOf({ topic, body }: TopicRequest): Addressee {
  if (topic !== 0n) return { topic };
  switch (body?.$case) {
    case "command":
    case "read": {
      const inner = body.value.body;
      if (inner !== undefined) return addresseeOfBody(inner.value);
      break;
    }
    case "join":
      return { topic: body.value.guildId };
    case "refill":
      return { topic: body.value.topic };
    case "heads":
    case undefined:
      break;
  }
  throw new GuildhallError("INVALID_FORM", "the request names neither a topic nor an id to find it by");
}

/** A channel's invite names both a channel and a code: the code is not known to anybody yet. */
function addresseeOfBody(body: Addressed): Addressee {
  if ("channelId" in body) return { key: channelKey(body.channelId) };
  if ("guildId" in body) return { topic: body.guildId };
  return { key: inviteKey(body.code) };
}
