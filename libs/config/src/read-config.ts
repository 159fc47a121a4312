import { GuildhallError } from "@guildhall/errors";

/** Turns the text of a variable into a value; throws an Error whose message says what would be right. */
export type Parser<T> = (text: string) => T;

/** One setting: the variable it comes from, how it is read, and its value when unset or empty (absent = required). */
export interface Setting<T> {
  readonly env: string;
  readonly parse: Parser<T>;
  readonly default?: unknown;
}

/** Settings by the name that the code knows them by. */
export type SettingTable = Readonly<Record<string, Setting<unknown>>>;

type ValueOf<S> = S extends { readonly parse: Parser<infer T> }
  ? S extends { readonly default: infer D }
    ? T | Widened<D>
    : T
  : never;
type Widened<D> = D extends string
  ? never
  : D extends number
    ? never
    : D extends boolean
      ? never
      : D extends readonly never[]
        ? never
        : D;

/** What `readConfig` makes of a table. */
export type Config<T extends SettingTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

/**
 * Reads every setting of the table and returns them frozen. An unset or empty variable takes the default as it stands.
 * Throws one GuildhallError BAD_CONFIG that names every variable that is wrong or missing.
 */
export function readConfig<const T extends SettingTable>(
  table: T,
  env: Readonly<Record<string, string | undefined>>,
): Config<T> {
  const values: Record<string, unknown> = {};
  const failures: { env: string; message: string }[] = [];
  for (const [key, setting] of Object.entries(table)) {
    const text = env[setting.env]?.trim() ?? "";
    if (text === "" && "default" in setting) {
      values[key] = setting.default;
    } else if (text === "") {
      failures.push({ env: setting.env, message: "is not set" });
    } else {
      try {
        values[key] = setting.parse(text);
      } catch (error) {
        failures.push({ env: setting.env, message: (error as Error).message });
      }
    }
  }
  if (failures.length > 0) {
    throw new GuildhallError("BAD_CONFIG", failures.map(({ env: name, message }) => `${name} ${message}`).join("; "), {
      fields: failures.map(({ env: name, message }) => ({ path: [name], code: "BAD_CONFIG", message })),
    });
  }
  return Object.freeze(values) as Config<T>;
}
