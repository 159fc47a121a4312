import { bytesOf } from "../model/bytes.ts";
import type { GuildState } from "../model/state.ts";
import type { Member } from "../model/thing.ts";
import { type RenderedMessage, readersOf, withoutContent } from "./render-message.ts";
import { memberFields, memberJson } from "./render-user.ts";

/** Who is shown with an edited message: members that are there. */
export interface EditedMessageExtras {
  readonly author: Member | undefined;
  readonly channelType: number;
  readonly mentioned: readonly Member[];
  /** Of a reply: the message that it answers, null when that is gone. */
  readonly referenced?: Readonly<Record<string, unknown>> | null;
}

/** Renders a stored message after a change of its object. */
export function renderEditedMessage(
  state: GuildState,
  kept: Readonly<Record<string, unknown>>,
  { author, channelType, mentioned, referenced }: EditedMessageExtras,
): RenderedMessage {
  const open = JSON.stringify(kept).slice(0, -1);
  const message = referenced === undefined ? kept : { ...kept, referenced_message: referenced };
  const member = author === undefined ? "" : `,"member":{${memberFields(state.roles, author)}}`;
  const tail = `,"guild_id":"${state.topic}"${member},"channel_type":${channelType}}`;
  const mentions = mentioned.map((each) => {
    const { user, ...fields } = JSON.parse(memberJson(state.roles, each)) as { user: object };
    return { ...user, member: fields };
  });
  const event = { ...message, mentions };
  const gated = withoutContent(event);
  const dataOf = (shown: object): Buffer => bytesOf(`${JSON.stringify(shown).slice(0, -1)}${tail}`);
  return {
    openJson: bytesOf(open),
    json: bytesOf(JSON.stringify(message)),
    data: dataOf(event),
    gatedData: dataOf(gated),
    halfGated:
      referenced === undefined || referenced === null
        ? undefined
        : {
            data: dataOf({ ...event, referenced_message: gated.referenced_message }),
            readers: readersOf(referenced),
          },
  };
}
