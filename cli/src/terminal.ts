import Table from "cli-table3";

/** Takes out what would move the cursor, ring, or colour somebody else's terminal; tabs become spaces. */
export function plain(text: string): string {
  return text.replaceAll("\t", "  ").replace(/[\p{Cc}\p{Bidi_Control}]/gu, "");
}

/** Columns under a heading, without lines around them. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = "";
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
    chars: {
      top: none,
      "top-mid": none,
      "top-left": none,
      "top-right": none,
      bottom: none,
      "bottom-mid": none,
      "bottom-left": none,
      "bottom-right": none,
      left: none,
      "left-mid": none,
      mid: none,
      "mid-mid": none,
      right: none,
      "right-mid": none,
      middle: none,
    },
  });
  for (const row of rows) table.push(row.map(plain));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Where a command writes. */
export interface Output {
  /** A line of the answer. */
  line(text: string): void;
  /** A line about the work under way; not part of the answer. */
  note(text: string): void;
}

/** Standard output and standard error. */
export const terminalOutput: Output = {
  line: (text) => void process.stdout.write(`${text}\n`),
  note: (text) => void process.stderr.write(`${text}\n`),
};
