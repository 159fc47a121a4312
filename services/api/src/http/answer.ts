import type { FastifyReply } from "fastify";

/** What a route answers: no `json`, no body. */
export interface Answer {
  readonly status: number;
  readonly json?: Uint8Array;
}

const noContent: Answer = { status: 204 };

/** An answer whose body is rendered here. */
export function jsonAnswer(status: number, value: object): Answer {
  return { status, json: Buffer.from(JSON.stringify(value)) };
}

/** An answer whose body was rendered elsewhere; empty bytes are no body. */
export function bytesAnswer(status: number, json: Uint8Array): Answer {
  return json.length === 0 || status === 204 ? { status: 204 } : { status, json };
}

/** 204. */
export function emptyAnswer(): Answer {
  return noContent;
}

/** Sends an answer. The type has no charset: discord.py compares it whole. */
export function sendAnswer(reply: FastifyReply, { status, json }: Answer): void {
  reply.code(status);
  if (json === undefined) {
    reply.send();
    return;
  }
  reply.header("content-type", "application/json");
  // Fastify leaves the type of a Buffer alone.
  reply.send(Buffer.isBuffer(json) ? json : Buffer.from(json.buffer, json.byteOffset, json.byteLength));
}
