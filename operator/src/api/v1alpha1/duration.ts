/** How durations are written: a whole number and a unit, such as "120s" or "41250ms". */
export const durationPattern = "^[0-9]{1,9}(ms|s|m|h)$";

const unitsMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** A duration in milliseconds, or undefined when the text is not one. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^([0-9]{1,9})(ms|s|m|h)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * unitsMs[match[2] as keyof typeof unitsMs];
}
