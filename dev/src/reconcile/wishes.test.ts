import type { ShardSet } from "@guildhall/operator/api";
import { expect, test } from "@jest/globals";
import { saidAfter, saidPaused, saidShards, wishesOf } from "./wishes.ts";

const documentOf = (shards: number, paused: boolean) => ({ spec: { shards, paused } }) as unknown as ShardSet;
const document = documentOf(4, false);

test("what the tool says counts over the document", () => {
  expect(wishesOf(document, {}).spec).toEqual({ shards: 4, paused: false });
  expect(wishesOf(document, saidPaused(document, saidShards(document, {}, 8), true)).spec).toEqual({
    shards: 8,
    paused: true,
  });
  expect(document.spec).toEqual({ shards: 4, paused: false });
});

test("saying what the document says is saying nothing", () => {
  expect(saidPaused(document, { paused: true }, false)).toEqual({});
  expect(saidShards(document, { shards: 8 }, 4)).toEqual({});
  expect(saidPaused(documentOf(4, true), {}, false)).toEqual({ paused: false });
});

test("an edit ends a pause, and the number of shards only when it is another one", () => {
  const said = { paused: true, shards: 8 };
  expect(saidAfter(said, ["spec.guild.hosts"])).toEqual({ shards: 8 });
  expect(saidAfter(said, ["spec.shards"])).toEqual({});
});
