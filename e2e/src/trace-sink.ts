import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as an exporter sent it; ids in hex, `parentId` empty for the first of a trace. */
export interface SentSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
}

/** A collector of traces (OTLP over HTTP). */
export interface TraceSink extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly SentSpan[];
}

/** Starts a collector on a free port. */
export async function startTraceSink(): Promise<TraceSink> {
  const spans: SentSpan[] = [];
  const server = createServer(async (request, response) => {
    spans.push(...spansOf(await bodyOf(request)));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

// The numbers of the fields are those of opentelemetry/proto/{collector/trace,trace,resource,common}/v1.

function spansOf(message: Buffer): SentSpan[] {
  return fields(message, 1).flatMap((ofResource) => {
    const attributes = fields(ofResource, 1).flatMap((resource) => fields(resource, 1));
    const named = attributes.find((attribute) => textOf(attribute, 1) === "service.name");
    const service = named === undefined ? "" : (fields(named, 2).map((value) => textOf(value, 1))[0] ?? "");
    return fields(ofResource, 2)
      .flatMap((ofScope) => fields(ofScope, 2))
      .map((span) => ({
        service,
        name: textOf(span, 5),
        traceId: hexOf(span, 1),
        spanId: hexOf(span, 2),
        parentId: hexOf(span, 4),
      }));
  });
}

const textOf = (message: Buffer, field: number): string => fields(message, field)[0]?.toString() ?? "";
const hexOf = (message: Buffer, field: number): string => fields(message, field)[0]?.toString("hex") ?? "";

/** The contents of a protobuf message's field that holds bytes, text or messages. */
function fields(message: Buffer, field: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const [tag, afterTag] = varint(message, at);
    at = afterTag;
    switch (tag & 7) {
      case 0:
        at = varint(message, at)[1];
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const [length, begin] = varint(message, at);
        at = begin + length;
        if (tag >> 3 === field) found.push(message.subarray(begin, at));
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error(`wire type ${tag & 7}`);
    }
  }
  return found;
}

function varint(message: Buffer, begin: number): [number, number] {
  let value = 0;
  let scale = 1;
  for (let at = begin; ; at += 1) {
    const byte = message[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at + 1];
    scale *= 128;
  }
}
