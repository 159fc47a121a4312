import type { Client, ClientDuplexStream, Metadata, MethodDefinition } from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import type { ReplyBatch, RequestBatch } from "./exchange-message.ts";

/*
 * A batch is encoded item by item: protobuf lets a repeated field come in pieces, so the encodings of batches of one,
 * one after another, are the encoding of the batch. Thus sizes are known exactly, an item that cannot be encoded fails
 * alone instead of taking its stream along, and an item for several peers is encoded once.
 */

/** No message on a stream is larger (bytes), so no item either. */
export const maxMessageBytes = 16 * 1024 * 1024;

/** Where several items wait, a message of them is cut at this size (bytes). */
const batchBytes = 1024 * 1024;

/** The encoding of a batch, in pieces. */
export type Chunks = readonly Uint8Array[];

/** Encodes a message. */
export type Encode<M> = (message: M) => Buffer;

const encoders = new WeakMap<object, Encode<never>>();

/** Lets a served stream be written in pieces as well as in messages; `encoderOf` then knows how to make the pieces. */
export function chunkable<M>(encode: Encode<M>): Encode<M | Chunks> {
  return (message) => (Array.isArray(message) ? joinChunks(message as Chunks) : encode(message as M));
}

/** Says how a stream's messages are encoded. */
export function setEncoder<M>(call: object, encode: Encode<M>): void {
  encoders.set(call, encode as Encode<never>);
}

/** How a stream's messages are encoded. Throws GuildhallError INTERNAL for one that createRpcServer does not serve. */
export function encoderOf<M>(call: object): Encode<M> {
  const encode = encoders.get(call);
  if (!encode) throw new GuildhallError("INTERNAL", "an Exchange is served by createRpcServer");
  return encode as Encode<M>;
}

/** What gRPC writes for a batch in pieces. */
export function joinChunks(chunks: Chunks): Buffer {
  const [first] = chunks;
  return chunks.length === 1 && Buffer.isBuffer(first) ? first : Buffer.concat(chunks);
}

/** How many of `sizes` from `start` on go into one message: at least one. */
export function countInBatch<T extends { readonly bytes: Uint8Array }>(items: readonly T[], start: number): number {
  let total = 0;
  let next = start;
  for (let item = items[next]; item; item = items[next]) {
    total += item.bytes.length;
    if (next > start && total > batchBytes) break;
    next += 1;
  }
  return next - start;
}

type ExchangeDefinition<Req, Rep> = MethodDefinition<RequestBatch<Req>, ReplyBatch<Rep>>;

/** Opens an Exchange stream that is written in pieces. */
export function openChunked<Req, Rep>(
  client: Client,
  { path, responseDeserialize }: Pick<ExchangeDefinition<Req, Rep>, "path" | "responseDeserialize">,
  metadata: Metadata,
): ClientDuplexStream<Chunks, ReplyBatch<Rep>> {
  return client.makeBidiStreamRequest(path, joinChunks, responseDeserialize, metadata);
}
