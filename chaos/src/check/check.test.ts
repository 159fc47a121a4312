import { expect, test } from "@jest/globals";
import { LibrarySession } from "../clients/library-session.ts";
import { checkListener } from "./check.ts";

const channelId = "1";

/** A session that was shown these messages; it is never started. */
function shown(ids: readonly bigint[], losses: readonly string[] = []) {
  const session = new LibrarySession({ name: "one", url: "", token: "", compress: undefined, hidden: new Set() });
  session.seen = () => BigUint64Array.from(ids);
  session.losses.push(...losses);
  return { session, channelIds: [channelId] };
}

const history = new Map([[channelId, [10n, 20n, 30n]]]);

test("all of it, once and in order, is right", () => {
  expect(checkListener(shown([10n, 20n, 30n]), history)).toEqual([]);
});

test("what is missing, doubled, out of order or made up is named", () => {
  expect(checkListener(shown([10n, 30n]), history)).toEqual(["one: 20 of 1 was never shown"]);
  expect(checkListener(shown([10n, 20n, 20n, 30n]), history)).toEqual(["one: 20 was shown twice"]);
  expect(checkListener(shown([10n, 30n, 20n]), history)).toEqual(["one: 20 was shown out of order"]);
  expect(checkListener(shown([10n, 20n, 25n, 30n]), history)).toEqual(["one: 25 was shown and is not kept"]);
});

test("a lost session is a problem by itself", () => {
  expect(checkListener(shown([10n], ["closed"]), history)).toEqual(["one: session lost: closed"]);
});
