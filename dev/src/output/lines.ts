import type { Readable } from "node:stream";

const longestLine = 64 * 1024;

/** Gives each line of a stream without its end; a line over 64 KiB comes in pieces. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
    while (rest.length >= longestLine) {
      onLine(rest.slice(0, longestLine));
      rest = rest.slice(longestLine);
    }
  });
  stream.on("end", () => {
    if (rest !== "") onLine(rest);
    rest = "";
  });
  // A pipe that breaks has ended; the process's exit is reported by itself.
  stream.on("error", () => {});
}
