/** Where a process is reached. */
export function addressOf(name: string): string {
  return `sim:${name}`;
}
