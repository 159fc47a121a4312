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
  const authenticator = makeAuthenticator({
    authenticate() {
      const question = Promise.withResolvers<Account>();
      questions.push(question);
      return question.promise;
    },
    hearsRevocations: () => hearing.now,
    maxTokens: 10,
    ttlMs: 60_000,
  });
  /** Asks whose the token is, and answers the question that this led to. */
  const know = async () => {
    const answer = authenticator.identify("token", atOnce);
    await null;
    questions.at(-1)?.resolve(account);
    return await answer;
  };
  return { authenticator, questions, hearing, know };
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
