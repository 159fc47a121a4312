import type { FieldError } from "@guildhall/errors";
import { limits } from "@guildhall/protocol";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { ApiContext } from "../context.ts";
import { parsePlace, refuseFailures } from "../forms/parse-form.ts";
import { type Call, paramsOf, type Route, readParams } from "../routes/route.ts";
import { type Answer, sendAnswer } from "./answer.ts";

const maxReasonChars = limits.audit_reason_chars;

/** Makes what runs for an admitted request of one route: form, work, answer. */
export function makeHandler(route: Route, context: ApiContext) {
  const names = paramsOf(route.path);
  const spanName = `${route.method} ${route.path}`;
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const fields: FieldError[] = [];
    const params = readParams(names, request.params as Record<string, string>, fields);
    const query = parsePlace(route.query, request.query, fields);
    const body = parsePlace(route.body, request.body === undefined ? {} : request.body, fields);
    const reason = readReason(request.headers["x-audit-log-reason"], fields);
    refuseFailures(fields);
    const span = context.startSpan(spanName);
    try {
      const { identity, ip: address } = request;
      const call = { context, identity, params, query, body, reason, traceparent: span.traceparent, address };
      const answer: Answer = await route.handle(call as Call<never, never, never>);
      sendAnswer(reply, answer);
      context.events.answered(route, answer.status, reply.elapsedTime);
    } catch (error) {
      span.recordError(error);
      throw error;
    } finally {
      span.end();
    }
    return reply;
  };
}

/** The header is percent-encoded UTF-8; what is not is taken as it stands. */
function readReason(header: string | string[] | undefined, fields: FieldError[]): string {
  if (header === undefined || header === "") return "";
  const text = String(header);
  const reason = decodePercents(text).toWellFormed();
  if (reason.length > maxReasonChars * 2 || [...reason].length > maxReasonChars) {
    const message = `Must be ${maxReasonChars} or fewer in length.`;
    fields.push({ path: ["reason"], code: "BASE_TYPE_MAX_LENGTH", message });
  }
  return reason;
}

function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
