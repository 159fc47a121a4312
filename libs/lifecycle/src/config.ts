/** How this process is called in its fleet, e.g. "guild-0"; the service's name when nobody said. */
export function processName(service: string): string {
  return process.env.GUILDHALL_NAME || service;
}
