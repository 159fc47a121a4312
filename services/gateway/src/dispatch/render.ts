import { Body, Segment } from "../domain/body.ts";
import { keepTogether } from "../domain/byte-shelf.ts";
import type { Audience, Dispatch } from "../domain/event.ts";

const everyone: Audience = { kind: "everyone" };
const nobody: readonly bigint[] = [];

const openings = new Map<string, Buffer>();

/** `"t":"X","d":`, kept for each type of event. */
function openingOf(type: string): Buffer {
  let opening = openings.get(type);
  if (opening === undefined) {
    opening = Buffer.from(`"t":${JSON.stringify(type)},"d":`);
    if (openings.size < 256) openings.set(type, opening);
  }
  return opening;
}

const closing = Buffer.from("}");

/** The body of a dispatch whose `d` many sessions get; the log keeps it. */
export function sharedBody(type: string, data: Uint8Array): Body {
  return new Body([new Segment(keepTogether([openingOf(type), data, closing]), true)]);
}

/** The body of a dispatch for one session. */
export function ownBody(type: string, json: string | Uint8Array): Body {
  const data = typeof json === "string" ? Buffer.from(json) : json;
  return new Body([new Segment(Buffer.concat([openingOf(type), data, closing]), false)]);
}

/** The body of a dispatch whose `d` is put together from pieces. */
export function bodyOfPieces(type: string, pieces: readonly Segment[]): Body {
  return new Body([new Segment(openingOf(type), false), ...pieces, new Segment(closing, false)]);
}

/** Text that only one frame has. */
export function ownPiece(text: string | Uint8Array): Segment {
  return new Segment(typeof text === "string" ? Buffer.from(text) : text, false);
}

// One for each body: of what many sessions get one by one there are very many records.
const ownDispatches = new WeakMap<Body, Dispatch>();

/** What the log keeps of a dispatch that goes to one session whatever its intents. */
export function ownDispatch(body: Body): Dispatch {
  const known = ownDispatches.get(body);
  if (known !== undefined) return known;
  const made = {
    type: "",
    audience: everyone,
    intents: 0,
    body,
    gatedBody: undefined,
    ungatedUsers: nobody,
    halfGatedBody: undefined,
    halfGatedUsers: nobody,
    exemptUsers: nobody,
    isContent: false,
  };
  ownDispatches.set(body, made);
  return made;
}
