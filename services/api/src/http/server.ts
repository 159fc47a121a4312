import { GuildhallError, toGuildhallError } from "@guildhall/errors";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import type { ApiContext } from "../context.ts";
import { paramsOf, type Route } from "../routes/route.ts";
import { makeAdmission } from "./admission.ts";
import { isUnknownVersion, routeUrl } from "./api-url.ts";
import { addBodyParser, maxBodyBytes } from "./body.ts";
import { makeHandler } from "./handler.ts";
import { answerTo, refuseGarbage, sendError, statusAnswer } from "./refusals.ts";
import type {} from "./request-types.ts";

const maxUrlChars = 4096;
const maxHeaderBytes = 16_384;
const maxParamChars = 256;
const maxConnections = 20_000;
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
// Longer than the idle time of common load balancers, so that it is they who close.
const keepAliveTimeoutMs = 75_000;
// A socket on which nothing moves, not even an answer, is closed.
const idleTimeoutMs = 90_000;

/** Makes the HTTP server of the API; it does not listen yet. */
export function makeServer(routes: readonly Route[], context: ApiContext): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: idleTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    http: { maxHeaderSize: maxHeaderBytes, requireHostHeader: false, headersTimeout: headersTimeoutMs },
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: maxParamChars },
    rewriteUrl: (request) => routeUrl(request.url ?? ""),
    frameworkErrors: ({ statusCode }, _request, reply) =>
      sendError(reply, statusAnswer(statusCode === 414 ? 414 : 400)),
    clientErrorHandler: refuseGarbage,
  });
  app.server.maxConnections = maxConnections;
  app.server.on("drop", context.events.connectionDropped);
  app.decorateRequest("identity", undefined);
  addBodyParser(app);
  addRefusals(app, routes, context);
  for (const route of routes) addRoute(app, route, context);
  return app;
}

function addRoute(app: FastifyInstance, route: Route, context: ApiContext): void {
  const admit = makeAdmission(route, context);
  app.route({
    method: route.method,
    url: route.path.replace(/\{(\w+)\}/g, ":$1"),
    config: { route },
    onRequest: async (request, reply) => {
      if (!(await admit(request, reply))) context.events.answered(route, reply.statusCode, reply.elapsedTime);
      return undefined;
    },
    handler: makeHandler(route, context),
  });
}

function addRefusals(app: FastifyInstance, routes: readonly Route[], context: ApiContext): void {
  const isKnownPath = makePathTest(routes);
  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown): void => {
    const answer = answerTo(error);
    if (answer.status >= 500) context.events.failed(request.method, request.originalUrl, toGuildhallError(error));
    sendError(reply, answer);
    context.events.answered(request.routeOptions.config.route, answer.status, reply.elapsedTime);
  };
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error));
  app.setNotFoundHandler((request, reply) => refuse(request, reply, unknownRoute(request, isKnownPath)));
  app.addHook("onRequest", async (request) => {
    if (request.originalUrl.length > maxUrlChars) throw Object.assign(new Error("URI too long"), { statusCode: 414 });
    // Before a body is read that nobody wants.
    if (request.is404) throw unknownRoute(request, isKnownPath);
  });
}

function unknownRoute(request: FastifyRequest, isKnownPath: (url: string) => boolean): GuildhallError {
  if (isUnknownVersion(request.originalUrl)) return new GuildhallError("INVALID_API_VERSION", "no such version");
  if (isKnownPath(request.url)) return new GuildhallError("METHOD_NOT_ALLOWED", "no such method of this path");
  return new GuildhallError("UNKNOWN_ROUTE", "no such route");
}

/** Tells, for what no route matched, whether another method would have. */
function makePathTest(routes: readonly Route[]): (url: string) => boolean {
  const patterns = [...new Set(routes.map(({ path }) => path))].map((path) => {
    const segments = path
      .split("/")
      .map((segment) => (paramsOf(segment).length > 0 ? "[^/]+" : RegExp.escape(segment)));
    return new RegExp(`^${segments.join("/+")}$`);
  });
  return (url) => {
    const path = url.split("?", 1)[0] as string;
    return patterns.some((pattern) => pattern.test(path));
  };
}
