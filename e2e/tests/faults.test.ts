import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { makeTempDir, waitFor } from "@guildhall/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { makeReadOnly, mountSmallDisk, type SmallDisk } from "../src/faults-disk.ts";
import { type Sender, startSender } from "../src/faults-senders.ts";
import {
  type Community,
  compareWithHistory,
  compareWitness,
  makeCommunity,
  type Person,
  type RestAnswer,
  readHistory,
  register,
  startFleet,
  type TestFleet,
  Witness,
} from "../src/index.ts";

// The fleet's whole state lies on a small disk of its own: accounts, leases, journal and store.

const diskMiB = 48;
const waitMs = 40_000;
const stack = new AsyncDisposableStack();
let disk: SmallDisk;
let fleet: TestFleet;
let owner: Person;
let member: Person;
let communities: readonly [Community, Community];
let witness: Witness;
const senders: Sender[] = [];

beforeAll(async () => {
  const folder = stack.use(makeTempDir());
  disk = stack.use(mountSmallDisk(join(folder.path, "state"), diskMiB));
  fleet = stack.use(await startFleet({ state: folder.path }));
  [owner, member] = [await register(fleet.rest, "owner"), await register(fleet.rest, "member")];
  communities = [await makeCommunity(owner, [member]), await makeCommunity(owner, [member])];
  witness = stack.use(await Witness.connect({ url: fleet.gateway, token: member.token, persistent: true }));
});

afterEach(async () => {
  disk.free();
  await Promise.all(senders.map((sender) => sender.stop()));
});

afterAll(() => stack.disposeAsync());

const channels = () => communities.map(({ channelId }) => channelId);

/** Two who post into one guild, and one into another. */
function startSenders(): readonly Sender[] {
  const [one, other] = communities;
  const begun = [
    startSender(owner.rest, one.channelId, `owner ${senders.length}`),
    startSender(member.rest, one.channelId, `member ${senders.length}`),
    startSender(owner.rest, other.channelId, `elsewhere ${senders.length}`),
  ];
  senders.push(...begun);
  return begun;
}

/** Waits until each of the senders has been acked, or refused, so many times more. */
async function more(begun: readonly Sender[], kind: "acked" | "refused", count: number): Promise<void> {
  const due = begun.map((sender) => sender[kind].length + count);
  await waitFor(() => begun.every((sender, index) => sender[kind].length >= (due[index] ?? 0)), { timeoutMs: waitMs });
}

function expectUnavailable({ status, body, headers }: RestAnswer): void {
  expect({ status, body }).toEqual({ status: 503, body: { message: "503: Service Unavailable", code: 0 } });
  expect(headers).toMatchObject({ "content-type": "application/json", "retry-after": expect.stringMatching(/^\d+$/) });
}

/**
 * Checks that each was refused so. Of what was on its way when the process that writes went, the outcome may be unknown:
 * that is one message a sender.
 */
function expectRefusals(begun: readonly Sender[], isWriterGone = false): void {
  for (const { refused } of begun) {
    const unknown = refused.filter(({ answer }) => answer.status === 504);
    expect(unknown.length).toBeLessThanOrEqual(isWriterGone ? 1 : 0);
    for (const { answer } of refused) if (answer.status !== 504) expectUnavailable(answer);
  }
}

/** Stops the senders and compares what they were told with what is there and what was shown. */
async function expectNothingLost(): Promise<void> {
  await Promise.all(senders.map((sender) => sender.stop()));
  for (const { channelId } of communities) {
    const last = await owner.rest.post<{ id: string }>(`/channels/${channelId}/messages`, {
      content: `fence ${senders.length}`,
    });
    await witness.next("MESSAGE_CREATE", ({ id }) => id === last.id);
    const history = await readHistory(owner.rest, channelId);
    const here = senders.filter((sender) => history.some(({ id }) => id === sender.acked[0]?.id));
    expect(here).toHaveLength(channelId === communities[0].channelId ? (senders.length / 3) * 2 : senders.length / 3);
    expect(
      compareWithHistory(
        here.map(({ acked }) => acked),
        history,
      ),
    ).toEqual([]);
    expect(compareWitness("the listener", witness, channelId, history)).toEqual([]);
    // 503 is said only of what is certainly not kept.
    const kept = new Set(history.map(({ content }) => content));
    const refused = senders.flatMap((sender) => sender.refused.filter(({ answer }) => answer.status === 503));
    expect(refused.filter(({ content }) => kept.has(content))).toEqual([]);
  }
  // Nobody had to begin anew.
  expect(witness.session).toBe(0);
}

/** What has been acked can be read, guilds and channels too, and sessions begin. */
async function expectReading(begun: readonly Sender[]): Promise<void> {
  for (const [index, { id, channelId }] of communities.entries()) {
    const acked = new Set(
      begun.filter((_, at) => (at === 2) === (index === 1)).map((sender) => sender.acked.at(-1)?.id),
    );
    const page = await owner.rest.get<{ id: string }[]>(`/channels/${channelId}/messages?limit=100`);
    expect(acked.isSubsetOf(new Set(page.map((message) => message.id)))).toBe(true);
    expect(await member.rest.get(`/guilds/${id}`)).toMatchObject({ id });
    expect(await member.rest.get(`/channels/${channelId}`)).toMatchObject({ id: channelId });
  }
  await using session = await Witness.connect({ url: fleet.gateway, token: owner.token });
  expect(session.ready?.guilds.map(({ id }) => id).toSorted()).toEqual(communities.map(({ id }) => id).toSorted());
}

test("a full disk: sends are refused with 503, reading goes on, what was acked stays, space lets it go on", async () => {
  const begun = startSenders();
  await more(begun, "acked", 20);
  // What is left is used up by those who post, so that it ends in the middle of a commit.
  disk.fill(256 * 1024);
  await more(begun, "refused", 3);
  await expectReading(begun);
  const changes = await Promise.all(
    communities.map(({ channelId }) => owner.rest.send("PATCH", `/channels/${channelId}`, { topic: "not now" })),
  );
  const others = [
    await owner.rest.send("POST", "/auth/login", { login: owner.name, password: owner.password }),
    await owner.rest.send("POST", "/auth/register", { username: "latecomer", password: "long enough", consent: true }),
    await owner.rest.send("POST", `/guilds/${communities[0].id}/roles`, { name: "not now" }),
    await owner.rest.send("POST", `/channels/${channels()[0]}/invites`, { unique: true }),
  ];
  // The databases' own logs may still have room for one or another.
  for (const answer of [...changes, ...others]) if (answer.status >= 300) expectUnavailable(answer);
  // The process that writes is killed, and comes back to a disk that is still full.
  await fleet.killAndAwait("data-0");
  await more(begun, "refused", 2);
  await expectReading(begun);
  expectRefusals(begun, true);

  disk.free();
  await more(begun, "acked", 20);
  await expectNothingLost();
  const topics = await Promise.all(channels().map((id) => owner.rest.get<{ topic: string | null }>(`/channels/${id}`)));
  expect(topics.map(({ topic }) => topic)).toEqual(changes.map(({ status }) => (status === 200 ? "not now" : null)));
  expect((await owner.rest.send("POST", "/auth/login", { login: owner.name, password: owner.password })).status).toBe(
    200,
  );
});

test("a disk that fills again and again loses nothing", async () => {
  const begun = startSenders();
  for (let round = 0; round < 3; round += 1) {
    await more(begun, "acked", 10);
    disk.fill(round * 40 * 1024);
    await more(begun, "refused", 1);
    disk.free();
  }
  await more(begun, "acked", 10);
  expectRefusals(begun);
  await expectNothingLost();
});

test("a data folder that was moved away: sends are refused, not written where nobody finds them", async () => {
  const folder = join(disk.path, "data");
  const away = join(disk.path, "away");
  const begun = startSenders();
  await more(begun, "acked", 10);
  renameSync(folder, away);
  await more(begun, "refused", 2);
  await expectReading(begun);
  expectRefusals(begun);
  expect(existsSync(folder)).toBe(false);
  renameSync(away, folder);
  await more(begun, "acked", 10);
  await expectNothingLost();
});

test("a data folder that cannot be written to: sends are refused until it can, nothing acked is lost", async () => {
  const begun = startSenders();
  await more(begun, "acked", 10);
  await fleet.fleet.stop("data-0");
  {
    using _locked = makeReadOnly(join(disk.path, "data"));
    await fleet.fleet.start("data-0");
    await more(begun, "refused", 2);
    expectRefusals(begun, true);
  }
  await more(begun, "acked", 10);
  await expectNothingLost();
});
