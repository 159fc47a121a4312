import { nodeEnvironment } from "./supervisor/node-flags.ts";

/**
 * What a child process gets of this process's environment: all but what the plan decides (GUILDHALL_…) and what npm and
 * a test runner add for this process alone.
 */
export function childEnvironment(own: Readonly<Record<string, string>> = {}): Record<string, string> {
  const environment: Record<string, string> = { ...nodeEnvironment };
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !/^(GUILDHALL_|npm_|JEST_|NODE_OPTIONS$|NODE_CHANNEL_)/.test(name))
      environment[name] = value;
  }
  return { ...environment, ...own };
}
