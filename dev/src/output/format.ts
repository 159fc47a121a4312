/** Fields of an entry that the prefix shows already, or that nobody reads along for. */
const left = new Set(["level", "time", "pid", "hostname", "service", "name", "process", "msg", "err", "traceparent"]);

const levelNames: Readonly<Record<number, string>> = {
  10: "trace",
  20: "debug",
  30: "info",
  40: "warn",
  50: "error",
  60: "fatal",
};

/** A line of a process for people: level unless info, message, other fields as key=value; an error's stack below. */
export function formatEntry(line: string): string {
  const entry = parse(line);
  if (entry === undefined) return printable(line);
  const level = levelOf(entry.level);
  const error = entry.err as { readonly stack?: unknown; readonly message?: unknown } | undefined;
  const words = [
    ...(level === "info" ? [] : [level]),
    ...(entry.msg === undefined ? [] : [text(entry.msg)]),
    ...Object.entries(entry).flatMap(([key, value]) => (left.has(key) ? [] : [`${key}=${text(value)}`])),
  ];
  const stack = error?.stack ?? error?.message;
  return printable(words.join(" ")) + (stack === undefined ? "" : `\n${printable(text(stack))}`);
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function levelOf(level: unknown): string {
  return typeof level === "number" ? (levelNames[level] ?? String(level)) : text(level ?? "info");
}

function text(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Without control characters: what is logged must not drive a terminal. */
function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}
