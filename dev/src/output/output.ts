import { formatEntry } from "./format.ts";

/** Where lines go: the part of a stream that is used. */
export interface LineTarget {
  write(text: string): unknown;
  readonly writableLength?: number;
  hasColors?(): boolean;
  on?(event: "error", listener: () => void): unknown;
}

/** What the fleet says, its own words and its processes' lines. */
export interface Output {
  /** A line that a process wrote. */
  line(name: string, line: string): void;
  /** Something the supervisor has to say. */
  say(message: string, level?: "info" | "warn"): void;
  /** How lines are written from now on. */
  setFormat(format: LineFormat): void;
}

/** Text: prefixed lines for people. Json: as the processes wrote them, one JSON object a line. */
export type LineFormat = "Text" | "Json";

const ownName = "fleet";
const colors = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];
/** Lines that a reader does not take are dropped above this, and counted: no process waits for a terminal. */
const mostQueuedBytes = 1024 * 1024;

/** Output of a fleet of these processes, and of others that come later. */
export function makeOutput(target: LineTarget, firstFormat: LineFormat, names: readonly string[]): Output {
  let format = firstFormat;
  const width = Math.max(...[...names, ownName].map((name) => name.length));
  const order = new Map([ownName, ...names].map((name, index) => [name, index]));
  let dropped = 0;
  // A reader that went away (`npm start | head`) must not end the fleet.
  target.on?.("error", () => {});

  const write = (text: string): void => {
    if ((target.writableLength ?? 0) > mostQueuedBytes) {
      dropped += 1;
      return;
    }
    target.write(text);
    if (dropped > 0) {
      const count = dropped;
      dropped = 0;
      output.say(`${count} lines were dropped: the output was not read`, "warn");
    }
  };
  const prefixed = (name: string, text: string): string => {
    const label = `${name.padEnd(width)} |`;
    const color = colors[(order.get(name) ?? 0) % colors.length];
    const prefix = target.hasColors?.() ? `\u001b[${color}m${label}\u001b[39m` : label;
    return text
      .split("\n")
      .map((line) => `${prefix} ${line}\n`)
      .join("");
  };
  const output: Output = {
    line: (name, line) => write(format === "Json" ? `${line}\n` : prefixed(name, formatEntry(line))),
    setFormat(next) {
      format = next;
    },
    say(message, level = "info") {
      const entry = { level, time: new Date().toISOString(), service: "dev", name: ownName, msg: message };
      output.line(ownName, JSON.stringify(entry));
    },
  };
  return output;
}

/** Output that nobody reads. */
export const silentOutput: Output = { line() {}, say() {}, setFormat() {} };
