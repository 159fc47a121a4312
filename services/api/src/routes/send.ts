import type { Command, Read } from "@guildhall/proto";
import { type Answer, bytesAnswer } from "../http/answer.ts";
import { type Call, identityOf } from "./route.ts";

/** The topic of requests whose ids the router looks up (channels, invites). */
export const unknownTopic = 0n;

type AnyCall = Call<unknown, unknown, unknown>;

/** Has a command carried out by the owner of the topic, and answers as it says. */
export async function sendCommand(call: AnyCall, topic: bigint, body: Command["body"]): Promise<Answer> {
  const { context, reason, traceparent } = call;
  const requestId = context.nextId();
  const command: Command = { requestId, actor: identityOf(call).actor, reason, body };
  const { status, json } = await context.topics.command(topic, command, traceparent);
  return bytesAnswer(status, json);
}

/** Asks the owner of the topic and answers 200 with the bytes it rendered. */
export async function sendRead(call: AnyCall, topic: bigint, body: Read["body"]): Promise<Answer> {
  return bytesAnswer(200, await readBytes(call, topic, body));
}

/** Asks the owner of the topic; the JSON it rendered. */
export function readBytes(call: AnyCall, topic: bigint, body: Read["body"]): Promise<Uint8Array> {
  const read: Read = { actor: call.identity?.actor, body };
  return call.context.topics.read(topic, read, call.traceparent);
}
