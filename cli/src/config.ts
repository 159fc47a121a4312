/** The password for `chat`, so that it need not stand on a command line. */
export function passwordFromEnvironment(): string | undefined {
  return process.env.GUILDHALL_PASSWORD || undefined;
}
