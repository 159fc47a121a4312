import type { Profile } from "@guildhall/proto";
import { timestampMsOf } from "@guildhall/snowflake";
import { bytesOf } from "../model/bytes.ts";
import type { GuildState } from "../model/state.ts";
import type { Member } from "../model/thing.ts";
import { isoOf } from "../model/timestamp.ts";
import { memberFields, userJson } from "./render-user.ts";

/** All that a message shows. `embedsJson` is a JSON array; `referencedJson` a whole message, "null" for a deleted one. */
export interface MessageParts {
  readonly id: bigint;
  readonly channelId: bigint;
  readonly type: number;
  readonly author: Profile;
  readonly content: string;
  readonly embedsJson: string;
  readonly mentions: readonly Member[];
  readonly mentionRoles: readonly bigint[];
  readonly mentionEveryone: boolean;
  readonly tts: boolean;
  readonly flags: number;
  readonly editedAtMs?: number;
  readonly reference?: { readonly messageId: bigint; readonly guildId: bigint; readonly referencedJson: string };
}

/** A message rendered: what is kept, and the variants of what is dispatched. */
export interface RenderedMessage {
  /** The REST object without its closing brace and `referenced_message`. */
  readonly openJson: Buffer;
  /** The REST object. */
  readonly json: Buffer;
  /** MESSAGE_CREATE's or MESSAGE_UPDATE's `d`. */
  readonly data: Buffer;
  /** `d` for sessions without MESSAGE_CONTENT; undefined when it is the same. */
  readonly gatedData: Buffer | undefined;
  /** Of a reply: `d` with content, but without that of the message replied to, which only its `readers` may read. */
  readonly halfGated: { readonly data: Buffer; readonly readers: ReadonlySet<bigint> } | undefined;
}

const emptyBody = `"content":"","embeds":[],"attachments":[],"components":[]`;

/** Renders a message once. `nonceJson` is the client's nonce as it sent it, empty for none. */
export function renderMessage(
  state: GuildState,
  parts: MessageParts,
  extras: { readonly author: Member | undefined; readonly channelType: number; readonly nonceJson: string },
): RenderedMessage {
  const { id, mentions, content, embedsJson, reference } = parts;
  const body = `"content":${JSON.stringify(content)},"embeds":${embedsJson},"attachments":[],"components":[]`;
  const gated = content !== "" || embedsJson !== "[]";
  const head = `{"id":"${id}","type":${parts.type},`;
  const plain = mentions.map(({ profile }) => userJson(profile)).join(",");
  const [before, after] = fieldsAround(parts);
  const [refers, gatedRefers] = [referencedField(reference, false), referencedField(reference, true)];
  const open = `${head}${body}${before}${plain}${after}`;
  const nonce = extras.nonceJson === "" ? "" : `,"nonce":${extras.nonceJson}`;
  const author = extras.author === undefined ? "" : `,"member":{${memberFields(state.roles, extras.author)}}`;
  const tail = `${nonce},"guild_id":"${state.topic}"${author},"channel_type":${extras.channelType}}`;
  const withMembers = mentions.length === 0 ? "" : mentions.map((member) => mentionJson(state, member)).join(",");
  const shared = `${before}${withMembers}${after}`;
  const hides = gated || reference !== undefined;
  return {
    openJson: bytesOf(open),
    json: bytesOf(`${open}${refers}${nonce}}`),
    data: bytesOf(`${head}${body}${shared}${refers}${tail}`),
    gatedData: hides ? bytesOf(`${head}${emptyBody}${shared}${gatedRefers}${tail}`) : undefined,
    halfGated:
      reference === undefined || reference.referencedJson === "null"
        ? undefined
        : {
            data: bytesOf(`${head}${body}${shared}${gatedRefers}${tail}`),
            readers: readersOf(JSON.parse(reference.referencedJson)),
          },
  };
}

/** Who may read a message's content whatever their intents: its author and those it mentions. */
export function readersOf(message: { readonly author?: Person; readonly mentions?: readonly Person[] }): Set<bigint> {
  const people = [...(message.mentions ?? []), ...(message.author === undefined ? [] : [message.author])];
  return new Set(people.map(({ id }) => BigInt(id)));
}

interface Person {
  readonly id: string;
}

/** What stands before and after the list of mentions. */
function fieldsAround(parts: MessageParts): [string, string] {
  const { id, channelId, author, mentionRoles, mentionEveryone, tts, flags, editedAtMs, reference } = parts;
  const edited = editedAtMs === undefined ? "null" : `"${isoOf(editedAtMs)}"`;
  const roles = mentionRoles.map((role) => `"${role}"`).join(",");
  return [
    `,"mentions":[`,
    `],"mention_roles":[${roles}],"mention_everyone":${mentionEveryone},"timestamp":"${isoOf(timestampMsOf(id))}",` +
      `"edited_timestamp":${edited},"flags":${flags},"channel_id":"${channelId}","author":${userJson(author)},` +
      `"pinned":false,"tts":${tts}${reference === undefined ? "" : referenceField(reference, channelId)}`,
  ];
}

type Reference = NonNullable<MessageParts["reference"]>;

function referenceField({ messageId, guildId }: Reference, channelId: bigint): string {
  const ids = `"message_id":"${messageId}","channel_id":"${channelId}","guild_id":"${guildId}"`;
  return `,"message_reference":{"type":0,${ids}}`;
}

/** What is answered, as it is now. Not kept: it may be edited or deleted later. */
function referencedField(reference: Reference | undefined, gated: boolean): string {
  if (reference === undefined) return "";
  const { referencedJson } = reference;
  const shown = gated && referencedJson !== "null" ? withoutContentJson(referencedJson) : referencedJson;
  return `,"referenced_message":${shown}`;
}

function withoutContentJson(referencedJson: string): string {
  return JSON.stringify(withoutContent(JSON.parse(referencedJson) as Record<string, unknown>));
}

/** A message's object without what only sessions with MESSAGE_CONTENT may read, also in what it replies to. */
export function withoutContent(message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const hidden: Record<string, unknown> = { ...message, content: "", embeds: [], attachments: [], components: [] };
  const { referenced_message: referenced } = message;
  if (typeof referenced === "object" && referenced !== null) {
    hidden.referenced_message = withoutContent(referenced as Record<string, unknown>);
  }
  return hidden;
}

function mentionJson(state: GuildState, member: Member): string {
  const user = userJson(member.profile);
  return `${user.slice(0, -1)},"member":{${memberFields(state.roles, member)}}}`;
}

/** A stored message's object. */
export function parseMessage(openJson: Buffer): Readonly<Record<string, unknown>> {
  return JSON.parse(`${openJson.toString("utf8")}}`) as Record<string, unknown>;
}
