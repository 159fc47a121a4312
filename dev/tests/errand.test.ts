import { expect, test } from "@jest/globals";
import { runErrand } from "../src/errand/run-errand.ts";

const silent = new URL("./programs/silent.ts", import.meta.url);

test("a program that never answers is ended, and who waits for it is told", async () => {
  await expect(runErrand(silent, "wait", undefined, 500)).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringMatching(/silent\.ts gave no answer within 0\.5 s$/),
  });
});

test("a program that ends without an answer is named", async () => {
  await expect(runErrand(silent, "end")).rejects.toMatchObject({
    code: "INTERNAL",
    message: expect.stringMatching(/silent\.ts ended without an answer \(3\)$/),
  });
});
