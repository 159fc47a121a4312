import { type ErrorCode, GuildhallError } from "@guildhall/errors";
import { HistoryGrant, type Page, type PageJson, Read } from "@guildhall/proto";
import { makeManualTime } from "@guildhall/testing";
import { expect, test } from "@jest/globals";
import { readHistory } from "./history.ts";

const list = Read.fromPartial({
  actor: { profile: { id: 77n } },
  body: { $case: "listMessages", value: { channelId: 1n, before: 50n, limit: 25 } },
});
const one = Read.fromPartial({ body: { $case: "getMessage", value: { channelId: 1n, messageId: 9n } } });

async function read(
  what: Read,
  grant: Parameters<typeof HistoryGrant.fromPartial>[0],
  ...answers: (PageJson | ErrorCode)[]
) {
  const { clock } = makeManualTime();
  const pages: Page[] = [];
  const data = {
    async page(page: Page): Promise<PageJson> {
      pages.push(page);
      const answer = answers.shift();
      if (answer === undefined || typeof answer === "string") throw new GuildhallError(answer ?? "INTERNAL", "");
      return answer;
    },
  };
  const granted = { read: what, traceparent: "", grant: HistoryGrant.fromPartial(grant), deadlineMs: 1_000 };
  try {
    const { of } = await readHistory(granted, { clock, data });
    return { answer: of?.$case === "json" ? Buffer.from(of.value).toString() : of?.$case, pages };
  } catch (error) {
    return { answer: (error as { code?: unknown }).code, pages };
  }
}

const json = (text: string, count: number): PageJson => ({ json: Buffer.from(text), count });

test("asks data for the page, with what the owner says of the channel and for whom it is", async () => {
  const { answer, pages } = await read(list, { channelId: 1n, lastSeq: 8n, tail: [{}] }, json('[{"id":"4"}]', 1));
  expect(answer).toBe('[{"id":"4"}]');
  const page = {
    channelId: 1n,
    before: 50n,
    after: 0n,
    around: 0n,
    limit: 25,
    viewerId: 77n,
    lastSeq: 8n,
    messageId: 0n,
  };
  expect(pages).toEqual([expect.objectContaining(page)]);
  expect(pages[0]?.tail).toHaveLength(1);
});

test("one message is what is between the brackets, and unknown when there is none", async () => {
  expect((await read(one, { channelId: 1n }, json('[{"id":"9"}]', 1))).answer).toBe('{"id":"9"}');
  expect((await read(one, { channelId: 1n }, json("[]", 0))).answer).toBe("UNKNOWN_MESSAGE");
});

test("without READ_MESSAGE_HISTORY the page is empty, and data is not asked", async () => {
  expect(await read(list, { channelId: 1n, empty: true })).toEqual({ answer: "[]", pages: [] });
  expect(await read(one, { channelId: 1n, empty: true })).toEqual({ answer: "UNKNOWN_MESSAGE", pages: [] });
});

test("asks again when the stream to data broke; hands on what data refuses", async () => {
  expect(await read(list, {}, "STREAM_LOST", json("[]", 0))).toMatchObject({ answer: "[]" });
  expect((await read(list, {}, "STREAM_LOST", "STREAM_LOST", "STREAM_LOST")).answer).toBe("STORE_UNAVAILABLE");
  expect((await read(list, {}, "UNAVAILABLE")).answer).toBe("STORE_UNAVAILABLE");
  expect((await read(list, {}, "STORE_UNAVAILABLE")).answer).toBe("STORE_UNAVAILABLE");
  expect((await read(list, {}, "OVERLOADED")).answer).toBe("OVERLOADED");
});
