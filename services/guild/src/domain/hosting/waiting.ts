import type { Timers } from "../ports.ts";

/** What a promise came to in the time that it was given. */
export type InTime<T> =
  | { readonly is: "done"; readonly value: T }
  | { readonly is: "failed"; readonly error: unknown }
  | { readonly is: "late" };

/** Resolves after a time. */
export function pause(ms: number, timers: Pick<Timers, "after">): Promise<void> {
  return new Promise((resolve) => {
    timers.after(ms, resolve);
  });
}

/** Waits for a promise, at most for a time. */
export function within<T>(ms: number, promise: Promise<T>, timers: Pick<Timers, "after">): Promise<InTime<T>> {
  return new Promise((resolve) => {
    const timer = timers.after(ms, () => resolve({ is: "late" }));
    const end = (outcome: InTime<T>): void => {
      timer[Symbol.dispose]();
      resolve(outcome);
    };
    promise.then(
      (value) => end({ is: "done", value }),
      (error: unknown) => end({ is: "failed", error }),
    );
  });
}
