/** Days as a window names them, by their number in the week. */
const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;

const anyDay = dayNames.join("|");
/** One day or a span of days: "Sat", "Mon-Fri", "Fri-Mon". */
export const daysPattern = `^(${anyDay})(-(${anyDay}))?$`;
/** A time of day: "03:00"; "24:00" is the end of the day. */
export const timePattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";

/** The days (0 = Sunday) that entries such as "Mon-Fri" name, ascending; undefined when one names none. */
export function parseDays(entries: readonly string[]): number[] | undefined {
  const days = new Set<number>();
  for (const entry of entries) {
    const [first = "", last = first] = entry.split("-");
    const from = dayNames.indexOf(first as (typeof dayNames)[number]);
    const to = dayNames.indexOf(last as (typeof dayNames)[number]);
    if (from === -1 || to === -1) return undefined;
    for (let day = from; ; day = (day + 1) % dayNames.length) {
      days.add(day);
      if (day === to) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** Minutes since midnight, or undefined when the text is not a time of day. */
export function parseMinute(text: string): number | undefined {
  if (!new RegExp(timePattern).test(text)) return undefined;
  const [hours, minutes] = text.split(":").map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

/** Whether this machine knows the name as an IANA time zone; offsets such as "+01:00" are none. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
