import { expect, test } from "@jest/globals";
import { checkRegistration } from "./username.ts";

const good = { username: "Ada_1", globalName: "Ada", email: "Ada@Example.org", password: "long enough" };

test("lower-cases the username and the address", () => {
  expect(checkRegistration(good)).toEqual({ ...good, username: "ada_1", email: "ada@example.org" });
});

test("names every wrong field at once", () => {
  const wrong = { username: "a..b", globalName: "x".repeat(33), email: "nowhere", password: "short" };
  expect(() => checkRegistration(wrong)).toThrow(
    expect.objectContaining({
      code: "INVALID_FORM",
      fields: [
        expect.objectContaining({ path: ["username"], code: "USERNAME_INVALID" }),
        expect.objectContaining({ path: ["password"], code: "BASE_TYPE_BAD_LENGTH" }),
        expect.objectContaining({ path: ["email"], code: "EMAIL_TYPE_INVALID_EMAIL" }),
        expect.objectContaining({ path: ["global_name"], code: "BASE_TYPE_MAX_LENGTH" }),
      ],
    }),
  );
});

test("an empty password passes only where none is wanted", () => {
  expect(() => checkRegistration({ ...good, password: "" })).toThrow(expect.objectContaining({ code: "INVALID_FORM" }));
  expect(checkRegistration({ ...good, password: "" }, true).password).toBe("");
  expect(() => checkRegistration({ ...good, password: "short" }, true)).toThrow();
});
