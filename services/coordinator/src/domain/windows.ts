import type { MoveWindow } from "./kept.ts";

const minutesADay = 1_440;
const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

// Making a formatter takes a millisecond; a fleet has one or two time zones.
const maxFormatters = 32;
const formatters = new Map<string, Intl.DateTimeFormat>();

/** Whether a time zone is one that is known here. */
export function isTimeZone(name: string): boolean {
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/** Whether voluntary moves may happen at a Unix time: always when there are no windows. */
export function isOpen(windows: readonly MoveWindow[], nowMs: number): boolean {
  return windows.length === 0 || windows.some((window) => isWithin(window, nowMs));
}

function isWithin({ days, fromMinute, toMinute, timeZone }: MoveWindow, nowMs: number): boolean {
  const { day, minute } = localTime(timeZone, nowMs);
  const isOn = (at: number): boolean => days.length === 0 || days.includes((at + 7) % 7);
  if (fromMinute === toMinute) return isOn(day);
  if (fromMinute < toMinute) return isOn(day) && minute >= fromMinute && minute < toMinute;
  // It ends on the day after the one it is named by.
  return (isOn(day) && minute >= fromMinute) || (isOn(day - 1) && minute < toMinute);
}

function localTime(timeZone: string, nowMs: number): { day: number; minute: number } {
  const parts = new Map(
    formatterOf(timeZone)
      .formatToParts(nowMs)
      .map(({ type, value }) => [type, value]),
  );
  const minute = Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
  return { day: dayNames.indexOf(parts.get("weekday") ?? ""), minute: minute % minutesADay };
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  const options = { timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const made = new Intl.DateTimeFormat("en-US", options);
  if (formatters.size >= maxFormatters) formatters.clear();
  formatters.set(timeZone, made);
  return made;
}
