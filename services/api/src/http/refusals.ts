import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { GuildhallError, isGuildhallError } from "@guildhall/errors";
import type { FastifyReply } from "fastify";
import { type Answer, jsonAnswer, sendAnswer } from "./answer.ts";
import { type ErrorAnswer, errorAnswer } from "./error-answer.ts";

/** The general answer of a status that no error of ours has. */
export function statusAnswer(status: number): Answer {
  return jsonAnswer(status, { message: `${status}: ${STATUS_CODES[status] ?? "Error"}`, code: 0 });
}

/** Sends an error's answer. */
export function sendError(reply: FastifyReply, answer: ErrorAnswer | Answer): void {
  if ("headers" in answer) reply.headers(answer.headers);
  // What is left of a body that is too large is not worth reading.
  if (answer.status === 413) reply.header("connection", "close");
  sendAnswer(reply, answer);
}

/** What to answer to whatever was thrown: our errors, and those of the framework by their status. */
export function answerTo(error: unknown): ErrorAnswer | Answer {
  if (isGuildhallError(error)) return errorAnswer(error);
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (status === 413) return errorAnswer(new GuildhallError("PAYLOAD_TOO_LARGE", "the body is too large"));
  if (typeof status === "number" && status >= 400 && status < 500) return statusAnswer(status);
  return errorAnswer(new GuildhallError("INTERNAL", "unexpected", { cause: error }));
}

const statusOfParserError: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Answers what is not HTTP, and closes. */
export function refuseGarbage(error: { readonly code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, json = Buffer.alloc(0) } = statusAnswer(statusOfParserError[error.code ?? ""] ?? 400);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Date: ${new Date().toUTCString()}`,
    "Content-Type: application/json",
    `Content-Length: ${json.length}`,
    "Connection: close",
  ];
  socket.end(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), json]));
}
