import { GuildhallError } from "@guildhall/errors";

/** What befalls a call: it never arrives, or its answer does not. A promise of it delays the call. */
export type Fault = "lost" | "answer lost" | undefined;

/** Asked before each call, with the method's name and its arguments. */
export type Faults = (method: string, args: readonly unknown[]) => Fault | Promise<Fault>;

/** The same thing, whose methods named fail as told. */
export function faulty<T extends object>(target: T, methods: readonly (keyof T & string)[], faults: () => Faults): T {
  const wrapped = Object.fromEntries(
    methods.map((method) => [
      method,
      async (...args: unknown[]) => {
        const fault = await faults()(method, args);
        if (fault === "lost") throw new GuildhallError("STREAM_LOST", `${method} was lost`);
        const call = target[method] as (...args: unknown[]) => Promise<unknown>;
        const answer = await call.apply(target, args);
        if (fault === "answer lost") throw new GuildhallError("STREAM_LOST", `the answer to ${method} was lost`);
        return answer;
      },
    ]),
  );
  return new Proxy(target, {
    get(of, name) {
      if (typeof name === "string" && name in wrapped) return wrapped[name];
      const value: unknown = Reflect.get(of, name);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });
}
