import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Directory } from "./directory.ts";

/** A directory to test, and the same one closed and opened again. */
export interface DirectoryFixture extends AsyncDisposable {
  readonly directory: Directory;
  reopen(): Promise<Directory>;
}

const channel = { kind: 1, key: "123", topic: 5n, cell: 0 };
const invite = { kind: 2, key: "123", topic: 6n, cell: 0 };

/** What every directory promises. */
export function directoryContract(create: () => Promise<DirectoryFixture>): void {
  let fixture: DirectoryFixture;
  beforeEach(async () => {
    fixture = await create();
  });
  afterEach(async () => {
    await fixture[Symbol.asyncDispose]();
  });

  test("finds what was put, also when it is opened again, and leaves out what was not", async () => {
    expect(await fixture.directory.put([channel, invite])).toEqual([channel, invite]);
    const again = await fixture.reopen();
    expect(await again.find([invite, { kind: 2, key: "none" }, channel])).toEqual([invite, channel]);
  });

  test("never changes an entry: the first put wins, and the second is told what is there", async () => {
    const { directory } = fixture;
    const other = { ...channel, topic: 9n };
    const [first, second] = await Promise.all([directory.put([channel]), directory.put([other, invite])]);
    expect(first).toEqual([channel]);
    expect(second).toEqual([channel, invite]);
    expect(await directory.find([channel])).toEqual([channel]);
  });

  test("answers an empty put and an empty find", async () => {
    expect(await fixture.directory.put([])).toEqual([]);
    expect(await fixture.directory.find([])).toEqual([]);
  });
}
