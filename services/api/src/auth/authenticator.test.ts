import { createHash } from "node:crypto";
import { GuildhallError } from "@guildhall/errors";
import type { Account } from "@guildhall/proto";
import { expect, test } from "@jest/globals";
import { makeAuthenticator } from "./authenticator.ts";

const account: Account = {
  profile: { id: 5n, username: "ada", globalName: "", avatar: "", bot: false, publicFlags: 0n },
  email: "",
  locale: "",
  mfaEnabled: false,
  verified: false,
  applicationId: 0n,
  applicationFlags: 0n,
};
const hash = createHash("sha256").update("token").digest();
const atOnce = async () => {};

function setUp() {
  const questions: PromiseWithResolvers<Account>[] = [];
  const hearing = { now: true };
  const asking = { works: true };
  const time = { nowMs: 1_000 };
  const authenticator = makeAuthenticator({
    authenticate() {
      const question = Promise.withResolvers<Account>();
      questions.push(question);
      return question.promise;
    },
    hearsRevocations: () => hearing.now,
    canAsk: () => asking.works,
    maxTokens: 10,
    monotonicMs: () => time.nowMs,
    ttlMs: 60_000,
    staleMs: 600_000,
  });
  /** Asks whose the token is, and answers the question that this led to. */
  const know = async () => {
    const answer = authenticator.identify("token", atOnce);
    await null;
    questions.at(-1)?.resolve(account);
    return await answer;
  };
  return { authenticator, questions, hearing, asking, time, know };
}

test("answers at once what it knows", async () => {
  const { authenticator, know } = setUp();
  expect(await know()).toMatchObject({ userId: "5", tokenHash: hash });
  expect(authenticator.identify("token", atOnce)).toMatchObject({ userId: "5" });
});

test("does not keep an answer that a revocation has overtaken", async () => {
  const { authenticator, questions } = setUp();
  const answer = authenticator.identify("token", atOnce);
  await null;
  authenticator.revoke([hash]);
  questions[0]?.resolve(account);
  await answer;
  expect(authenticator.identify("token", atOnce)).toBeInstanceOf(Promise);
});

test("does not share a question that was asked before a revocation", async () => {
  const { authenticator, questions } = setUp();
  void authenticator.identify("token", atOnce);
  await null;
  authenticator.revoke([hash]);
  const answer = authenticator.identify("token", atOnce);
  await null;
  questions[1]?.reject(new GuildhallError("UNAUTHORIZED", "revoked"));
  questions[0]?.resolve(account);
  expect(await answer).toBeUndefined();
});

test("keeps nothing while revocations are not heard, and believes nothing kept", async () => {
  const { authenticator, hearing, know } = setUp();
  hearing.now = false;
  await know();
  hearing.now = true;
  expect(authenticator.identify("token", atOnce)).toBeInstanceOf(Promise);
  await know();
  hearing.now = false;
  expect(authenticator.identify("token", atOnce)).toBeInstanceOf(Promise);
});

test("believes what it knew while nobody can be asked", async () => {
  const { authenticator, hearing, asking, time, know } = setUp();
  await know();
  hearing.now = false;
  asking.works = false;
  time.nowMs += 599_999;
  expect(authenticator.identify("token", atOnce)).toMatchObject({ userId: "5" });
  expect(authenticator.identify("another", atOnce)).toBeInstanceOf(Promise);
  time.nowMs += 2;
  expect(authenticator.identify("token", atOnce)).toBeInstanceOf(Promise);
});

test("forgets what it knew when revocations may have been missed", async () => {
  const { authenticator, asking, know } = setUp();
  await know();
  asking.works = false;
  authenticator.forget();
  expect(authenticator.identify("token", atOnce)).toBeInstanceOf(Promise);
});

test("asks anew about what it has believed for long", async () => {
  const { authenticator, time, know } = setUp();
  await know();
  time.nowMs += 59_999;
  expect(authenticator.identify("token", atOnce)).toMatchObject({ userId: "5" });
  time.nowMs += 1;
  expect(authenticator.identify("token", atOnce)).toBeInstanceOf(Promise);
});

test("believes what it knew when a question goes unanswered, but not against an answer", async () => {
  const { authenticator, questions, hearing, know } = setUp();
  await know();
  hearing.now = false;
  const ask = async (error: GuildhallError) => {
    const answer = authenticator.identify("token", atOnce);
    await null;
    questions.at(-1)?.reject(error);
    return await answer;
  };
  expect(await ask(new GuildhallError("UNAVAILABLE", "away"))).toMatchObject({ userId: "5" });
  expect(await ask(new GuildhallError("UNAUTHORIZED", "revoked"))).toBeUndefined();
});

test("a failure to ask is not a wrong token", async () => {
  const { authenticator, questions } = setUp();
  const answer = authenticator.identify("token", atOnce);
  await null;
  questions[0]?.reject(new GuildhallError("UNAVAILABLE", "away"));
  await expect(answer).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test.each(["", "Bearer token", "Bot ", "a b", "é", "x".repeat(513)])("reads no token in %j", (header) => {
  expect(setUp().authenticator.identify(header, atOnce)).toBeUndefined();
});
