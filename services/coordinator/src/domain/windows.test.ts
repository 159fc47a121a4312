import { expect, test } from "@jest/globals";
import type { MoveWindow } from "./kept.ts";
import { isOpen, isTimeZone } from "./windows.ts";

const window = (days: number[], from: string, to: string, timeZone = "UTC"): MoveWindow => {
  const [fromMinute = 0, toMinute = 0] = [from, to].map((time) => {
    const [hours = 0, minutes = 0] = time.split(":").map(Number);
    return hours * 60 + minutes;
  });
  return { days, fromMinute, toMinute, timeZone };
};
const weekdays = [1, 2, 3, 4, 5];

test.each<[string, MoveWindow[], string, boolean]>([
  ["no window: always", [], "2026-07-29T12:00:00Z", true],
  ["within", [window([], "03:00", "06:00")], "2026-07-29T03:00:00Z", true],
  ["its end is not within", [window([], "03:00", "06:00")], "2026-07-29T06:00:00Z", false],
  ["before", [window([], "03:00", "06:00")], "2026-07-29T02:59:59Z", false],
  ["a Wednesday is a weekday", [window(weekdays, "03:00", "06:00")], "2026-07-29T04:00:00Z", true],
  ["a Sunday is none", [window(weekdays, "03:00", "06:00")], "2026-07-26T04:00:00Z", false],
  ["any of several", [window([0], "03:00", "06:00"), window([3], "10:00", "11:00")], "2026-07-29T10:30:00Z", true],
  [
    "Berlin in summer is two hours ahead",
    [window([], "03:00", "06:00", "Europe/Berlin")],
    "2026-07-29T01:30:00Z",
    true,
  ],
  ["Berlin in winter is one", [window([], "03:00", "06:00", "Europe/Berlin")], "2026-01-28T01:30:00Z", false],
  ["its day is the zone's day", [window([4], "00:00", "02:00", "Asia/Tokyo")], "2026-07-29T15:30:00Z", true],
  ["over midnight, before it", [window([3], "23:00", "01:00")], "2026-07-29T23:30:00Z", true],
  ["over midnight, after it, by the day before", [window([3], "23:00", "01:00")], "2026-07-30T00:59:00Z", true],
  ["over midnight, not by the day itself", [window([3], "23:00", "01:00")], "2026-07-29T00:30:00Z", false],
  ["from Saturday into Sunday", [window([6], "22:00", "02:00")], "2026-07-26T01:00:00Z", true],
  ["until midnight", [window([3], "22:00", "24:00")], "2026-07-29T23:59:00Z", true],
  ["from and to the same: all day", [window([3], "04:00", "04:00")], "2026-07-29T20:00:00Z", true],
])("%s", (_, windows, at, open) => {
  expect(isOpen(windows, Date.parse(at))).toBe(open);
});

test("knows time zones", () => {
  expect(["UTC", "Europe/Berlin", "Mars/Olympus", ""].map(isTimeZone)).toEqual([true, true, false, false]);
});
