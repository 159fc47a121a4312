import { isUtf8 } from "node:buffer";
import { GuildhallError } from "@guildhall/errors";
import { parseJson } from "@guildhall/json";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { invalidField } from "../forms/parse-form.ts";

/** The largest body that is read; without file uploads nothing legitimate comes near. */
export const maxBodyBytes = 1024 * 1024;

const json = /^application\/json[ \t]*(?:;|$)/i;
const multipart = /^multipart\/form-data[ \t]*(?:;|$)/i;

/** Throws INVALID_FORM when a body is announced that is not JSON, before it is read. */
export function refuseContentType({ headers }: FastifyRequest): void {
  const type = headers["content-type"] ?? "";
  if (json.test(type) || !announcesBody(headers)) return;
  const message = multipart.test(type)
    ? "File uploads are not available on this server. Expected \"Content-Type\" header to be one of {'application/json'}."
    : "Expected \"Content-Type\" header to be one of {'application/json'}.";
  throw invalidField([], "CONTENT_TYPE_INVALID", message);
}

function announcesBody(headers: FastifyRequest["headers"]): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Has bodies read as JSON with every digit of big integers, and ignored where a route takes none. */
export function addBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer", bodyLimit: maxBodyBytes }, (request, body, done) => {
    try {
      done(null, readBody(request, body as Buffer));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
}

function readBody(request: FastifyRequest, body: Buffer): unknown {
  if (request.routeOptions.config.route?.body === undefined || body.length === 0) return undefined;
  if (!isUtf8(body)) throw new GuildhallError("MALFORMED_JSON", "not UTF-8");
  return parseJson(body.toString("utf8"));
}
