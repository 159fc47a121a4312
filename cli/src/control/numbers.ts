/** A part of a whole: "12 %". */
export function percent(part: number): string {
  return `${Math.round(part * 100)} %`;
}

/** A size in the unit that suits it. */
export function bytes(count: number): string {
  if (count < 1_024) return `${Math.round(count)} B`;
  if (count < 2 ** 20) return `${(count / 1_024).toFixed(1)} KiB`;
  if (count < 2 ** 30) return `${(count / 2 ** 20).toFixed(1)} MiB`;
  return `${(count / 2 ** 30).toFixed(1)} GiB`;
}

/** A rate, with as many digits as say something. */
export function rate(perSecond: number): string {
  return perSecond >= 100 || perSecond === 0 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

/** How long something takes or took. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** A moment as people read it in a log. */
export function moment(atMs: number, timeZone?: string): string {
  const options = timeZone === undefined ? {} : { timeZone };
  return new Date(atMs).toLocaleString("sv-SE", options);
}
