import { expect, test } from "@jest/globals";
import { EndlessError, makeEngine } from "./engine.ts";
import { makeRandom } from "./random.ts";

test("what goes on and on without time passing is ended, and said", async () => {
  const engine = makeEngine(makeRandom(1), { maxEvents: 1_000 });
  const again = (): void => void engine.after(0, again);
  again();
  await expect(engine.run(10)).rejects.toBeInstanceOf(EndlessError);
});
