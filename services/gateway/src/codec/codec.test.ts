import { createInflate, createZstdDecompress, type Inflate } from "node:zlib";
import { waitFor } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { Body, Segment } from "../domain/body.ts";
import type { Codec } from "./codec.ts";
import { makeDeflater } from "./deflate.ts";
import { FrameSink } from "./frame-sink.ts";
import { jsonCodec } from "./json.ts";
import { ZlibStreamCodec } from "./zlib-stream.ts";
import { makeZstdContext, wholeDispatch } from "./zstd-context.ts";
import { ZstdRawCodec } from "./zstd-raw.ts";

type Message = { readonly s: number; readonly body: Body } | { readonly control: Buffer };

/** Pseudo-random text, so that little of it can be compressed. */
function text(bytes: number, seed: number): string {
  let state = seed;
  let made = "";
  while (made.length < bytes) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    made += state.toString(36);
  }
  return made.slice(0, bytes);
}

function body(content: string, tail?: string): Body {
  const open = new Segment(Buffer.from(`"t":"X","d":{"content":"${content}"`), true);
  const rest = tail === undefined ? "" : `,"tail":"${tail}"`;
  return rest === ""
    ? new Body([new Segment(Buffer.concat([open.bytes, Buffer.from("}}")]), true)])
    : new Body([new Segment(Buffer.from(""), false), open, new Segment(Buffer.from(`${rest}}}`), false)]);
}

const sizes = [0, 1, 100, 125, 126, 5_000, 65_535, 65_536, 131_072, 300_000];
const messages: Message[] = sizes.flatMap((size, place) => [
  { control: Buffer.from(`{"op":11,"pad":"${text(size, place)}"}`) },
  { s: 10 ** (place % 7), body: body(text(size, place + 100)) },
  { s: place + 1, body: body(text(300, place), text(size, place + 200)) },
]);

function expected(message: Message): string {
  if ("control" in message) return message.control.toString();
  return wholeDispatch(message.s, message.body).toString();
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Reads unmasked frames as a client would. */
function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const opcode = bytes.readUInt8(at);
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    frames.push({ opcode, payload: bytes.subarray(at, at + length) });
    at += length;
  }
  return frames;
}

function encode(codec: Codec, sent: readonly Message[], sink = new FrameSink()): Frame[] {
  for (const message of sent) {
    if ("control" in message) codec.control(sink, message.control);
    else codec.dispatch(sink, message.s, message.body);
  }
  return readFrames(Buffer.concat(sink.take()));
}

/** Feeds one frame at a time to a decoder that lives as long as the connection. */
async function decode(decoder: Inflate, frames: readonly Frame[]): Promise<string[]> {
  const decoded: string[] = [];
  let chunks: Buffer[] = [];
  decoder.on("data", (chunk: Buffer) => chunks.push(chunk));
  for (const { payload } of frames) {
    await new Promise<void>((resolve) => decoder.write(payload, () => resolve()));
    await new Promise<void>((resolve) => setImmediate(resolve));
    decoded.push(Buffer.concat(chunks).toString());
    chunks = [];
  }
  return decoded;
}

test("plain frames hold one payload each", () => {
  const frames = encode(jsonCodec, messages);
  expect(frames.map(({ payload }) => payload.toString())).toEqual(messages.map(expected));
  expect(new Set(frames.map(({ opcode }) => opcode))).toEqual(new Set([0x81]));
});

test("a zlib stream gives one payload per frame, each ending in a flush", async () => {
  const frames = encode(new ZlibStreamCodec(makeDeflater(() => {})), messages);
  expect(await decode(createInflate(), frames)).toEqual(messages.map(expected));
  for (const { payload, opcode } of frames) {
    expect(opcode).toBe(0x82);
    expect(payload.subarray(-4)).toEqual(Buffer.from([0, 0, 0xff, 0xff]));
  }
  expect(frames[0]?.payload.subarray(0, 2)).toEqual(Buffer.from([0x78, 0x01]));
});

test("an event is compressed once, however many streams it goes into", async () => {
  let calls = 0;
  const deflater = makeDeflater(() => calls++);
  const event = body(text(400, 1));
  for (let stream = 0; stream < 100; stream++) {
    const sent: Message[] = [{ control: Buffer.from('{"op":10}') }, { s: stream + 1, body: event }];
    const frames = encode(new ZlibStreamCodec(deflater), sent);
    if (stream % 25 === 0) expect(await decode(createInflate(), frames)).toEqual(sent.map(expected));
  }
  expect(calls).toBe(1);
});

test("a zstd stream of raw blocks gives one payload per frame", async () => {
  const frames = encode(new ZstdRawCodec(), messages);
  const decoded = await decode(createZstdDecompress() as unknown as Inflate, frames);
  expect(decoded).toEqual(messages.map(expected));
});

test("a zstd context gives one payload per frame, in order", async () => {
  const frames: Frame[] = [];
  using context = makeZstdContext(
    (payload) => frames.push({ opcode: 0x82, payload }),
    (error) => {
      throw error;
    },
  );
  for (const message of messages) context.write(Buffer.from(expected(message)));
  expect(context.heldBytes).toBeGreaterThan(0);
  await waitFor(() => frames.length === messages.length);
  expect(context.heldBytes).toBe(0);
  expect(await decode(createZstdDecompress() as unknown as Inflate, frames)).toEqual(messages.map(expected));
});

test("a sink that is recycled between connections never disturbs bytes that are held", () => {
  const sink = new FrameSink();
  const held: { chunks: Buffer[]; wanted: string }[] = [];
  for (let turn = 0; turn < 2_000; turn++) {
    const wanted = `${turn} ${text(turn % 700, turn)}`;
    sink.bytes(Buffer.from(wanted));
    const chunks = sink.take();
    if (turn % 3 === 0) {
      sink.hold();
      held.push({ chunks, wanted });
    } else {
      expect(Buffer.concat(chunks).toString()).toBe(wanted);
      sink.recycle();
    }
  }
  for (const { chunks, wanted } of held) expect(Buffer.concat(chunks).toString()).toBe(wanted);
});
