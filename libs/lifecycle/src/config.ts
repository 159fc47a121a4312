/** The environment of this process. */
export const processEnv: Readonly<Record<string, string | undefined>> = process.env;

/** How this process is called in its fleet, e.g. "guild-0"; the service's name when nobody said. */
export function processName(service: string): string {
  return processEnv.GUILDHALL_NAME || service;
}
