import { GuildhallError } from "@guildhall/errors";

/** What is being done with the processes now: no two things at once with one of them. */
export interface Operations {
  /** Whether something is being done with the whole fleet. */
  readonly isAllBusy: boolean;
  /** Whether something is being done with this process, or with all. */
  isBusy(name: string): boolean;
  /** Begins something with a process; disposed when it is done. Throws UNAVAILABLE that says what is under way. */
  begin(name: string, what: string): Disposable;
  /** The same with the whole fleet: throws also when anything is being done with any process. */
  beginAll(what: string): Disposable;
}

const whole = "";

/** Nothing is under way at first. */
export function makeOperations(): Operations {
  const underWay = new Map<string, string>();
  const take = (name: string, what: string, inTheWay: string | undefined): Disposable => {
    if (inTheWay !== undefined) {
      const text = `${underWay.get(inTheWay)} is under way: try again when it is done`;
      throw new GuildhallError("UNAVAILABLE", text);
    }
    underWay.set(name, what);
    return { [Symbol.dispose]: () => void underWay.delete(name) };
  };
  return {
    get isAllBusy() {
      return underWay.has(whole);
    },
    isBusy: (name) => underWay.has(name) || underWay.has(whole),
    begin: (name, what) =>
      take(
        name,
        what,
        [name, whole].find((key) => underWay.has(key)),
      ),
    beginAll: (what) => take(whole, what, underWay.keys().next().value),
  };
}
