const dayMs = 86_400_000;

let cachedDay = Number.NaN;
let cachedDate = "";

/** Unix time (ms) as Discord writes it: `2026-01-02T03:04:05.678000+00:00`. */
export function isoOf(unixMs: number): string {
  const ms = Math.floor(unixMs);
  const day = Math.floor(ms / dayMs);
  if (day !== cachedDay) {
    cachedDay = day;
    cachedDate = dateOf(day);
  }
  const rest = ms - day * dayMs;
  const second = Math.floor(rest / 1000);
  const hours = pad(Math.floor(second / 3600), 2);
  const minutes = pad(Math.floor(second / 60) % 60, 2);
  return `${cachedDate}T${hours}:${minutes}:${pad(second % 60, 2)}.${pad(rest % 1000, 3)}000+00:00`;
}

/** The civil date of a day counted from 1970-01-01 (the Gregorian calendar in eras of 400 years that begin in March). */
function dateOf(day: number): string {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1, 2)}`;
}

function pad(value: number, width: number): string {
  return value.toString().padStart(width, "0");
}
