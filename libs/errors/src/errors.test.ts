import { describe, expect, test } from "@jest/globals";
import { errorTable, GuildhallError, grpcStatus, isErrorCode, isGuildhallError, toGuildhallError } from "./index.ts";

describe("GuildhallError", () => {
  test("carries its code, cause, fields and the wait before another try", () => {
    const cause = new Error("disk full");
    const fields = [{ path: ["embeds", "0", "title"], code: "BASE_TYPE_MAX_LENGTH", message: "Must be 256 or fewer" }];
    const error = new GuildhallError("INVALID_FORM", "bad body", { cause, fields, retryAfterMs: 250 });
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("GuildhallError");
    expect([error.code, error.message, error.cause]).toEqual(["INVALID_FORM", "bad body", cause]);
    expect([error.fields, error.retryAfterMs]).toEqual([fields, 250]);
  });

  test("has no empty fields when nothing accompanies the code", () => {
    const error = new GuildhallError("INTERNAL", "odd");
    expect(Object.keys(error).sort()).toEqual(["code", "name"]);
    expect("cause" in error).toBe(false);
  });

  test("may be retried as its code says", () => {
    expect(new GuildhallError("NOT_OWNER", "moved").shouldRetry()).toBe(true);
    expect(new GuildhallError("FENCED", "taken over").shouldRetry()).toBe(false);
  });
});

describe("isGuildhallError", () => {
  test("knows errors of another copy of the class by their brand", () => {
    const other = Object.defineProperty({ code: "FENCED" }, Symbol.for("guildhall.error"), { value: true });
    expect(isGuildhallError(other)).toBe(true);
    expect(toGuildhallError(other)).toBe(other);
  });

  test("takes nothing else for one", () => {
    const lookalike = { code: "FENCED", message: "", shouldRetry: () => false };
    expect([lookalike, new Error("x"), null, undefined, "FENCED"].map(isGuildhallError)).toEqual(Array(5).fill(false));
  });
});

describe("toGuildhallError", () => {
  test("returns a GuildhallError as it is", () => {
    const error = new GuildhallError("QUEUE_FULL", "full");
    expect(toGuildhallError(error)).toBe(error);
  });

  test.each([
    [new Error("boom"), "boom"],
    ["text", "text"],
    [undefined, "500: Internal Server Error"],
    [{}, "500: Internal Server Error"],
  ])("makes %p INTERNAL and keeps it as the cause", (thrown, message) => {
    const error = toGuildhallError(thrown);
    expect([error.code, error.message, error.cause]).toEqual(["INTERNAL", message, thrown]);
  });
});

describe("errorTable", () => {
  const rows = Object.entries(errorTable);

  test("has a known gRPC status, an HTTP error status and a public text in every row", () => {
    const known = new Set<number>(Object.values(grpcStatus));
    for (const [code, row] of rows) {
      expect([code, known.has(row.grpcStatus), row.httpStatus >= 400, row.message !== ""]).toEqual([
        code,
        true,
        true,
        true,
      ]);
    }
  });

  test("asks for another try of nothing that the client must change first", () => {
    const wrong = rows.filter(([, row]) => row.retry && row.httpStatus < 500 && row.httpStatus !== 429);
    expect(wrong).toEqual([]);
  });

  test("knows its codes by text", () => {
    expect(isErrorCode("NOT_OWNER")).toBe(true);
    expect(isErrorCode("toString")).toBe(false);
  });
});
