import { expect, test } from "@jest/globals";
import { botLine } from "./announcement.ts";
import { parseOptions } from "./options.ts";

test("keeps state in the checkout and takes the spec's ports when nothing is said", () => {
  expect(parseOptions([])).toEqual({ state: expect.stringMatching(/\/\.guildhall$/) });
});

test("takes a folder, a port and a spec", () => {
  expect(parseOptions(["--state", "/tmp/x", "--port=9000", "--spec", "a.yaml"])).toEqual({
    state: "/tmp/x",
    ports: { api: 9000, gateway: 9001 },
    specFile: "a.yaml",
  });
  expect(parseOptions(["--port", "0"]).ports).toEqual({ api: 0, gateway: 0 });
});

test.each([[["--port", "x"]], [["--port", "65535"]], [["--port", "-1"]], [["--stat", "x"]], [["extra"]]])(
  "refuses %j in one line",
  (args) => {
    expect(() => parseOptions(args)).toThrow(
      expect.objectContaining({ code: "BAD_CONFIG", message: expect.stringMatching(/^[^\n]+$/) }),
    );
  },
);

test("the bot to paste is one line in one pair of single quotes", () => {
  expect(botLine("http://127.0.0.1:7300/api", "MQ.abc.d-e_f")).toMatch(/^node --input-type=module -e '[^'\n]+'$/);
});
