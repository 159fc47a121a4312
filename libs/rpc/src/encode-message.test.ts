import { Command, encodeMessage, Head } from "@guildhall/proto";
import { expect, test } from "@jest/globals";

const head = { topic: 7n, epoch: 1, seq: 3n, lastId: 9n, lastTs: 11n };

test("gives the same bytes as the generated code, message after message", () => {
  const first = encodeMessage(Head, head);
  const second = encodeMessage(Head, { ...head, seq: 4n });
  expect(first).toEqual(Buffer.from(Head.encode(head).finish()));
  expect(Head.decode(second).seq).toBe(4n);
});

test("goes on after a message that cannot be encoded", () => {
  const command = (reason: unknown) => ({ requestId: 1n, actor: undefined, reason, body: undefined }) as Command;
  expect(() => encodeMessage(Head, { ...head, epoch: 2 ** 40 })).toThrow();
  expect(Command.decode(encodeMessage(Command, command("after it")))).toMatchObject({ reason: "after it" });
});

test("keeps no message's bytes in those of another, however large", () => {
  const command = (reason: string) => ({ requestId: 1n, actor: undefined, reason, body: undefined });
  const large = encodeMessage(Command, command("l".repeat(1_000_000)));
  const small = encodeMessage(Command, command("s"));
  expect([Command.decode(large).reason.length, Command.decode(small).reason]).toEqual([1_000_000, "s"]);
});
