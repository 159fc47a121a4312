/** The password for `chat`, so that it need not stand on a command line. */
export function passwordFromEnvironment(): string | undefined {
  return process.env.GUILDHALL_PASSWORD || undefined;
}

/** The folder in which the command was typed: npm runs its scripts in the checkout, wherever that was. */
export function typedIn(): string {
  return process.env.INIT_CWD || process.cwd();
}
