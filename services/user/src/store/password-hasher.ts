/** Turns passwords into strings that are safe to keep, slowly on purpose. */
export interface PasswordHasher {
  /** A PHC string with its own salt and parameters. Throws QUEUE_FULL when too many wait. */
  hash(password: string): Promise<string>;
  /** Whether the password made the string. Takes as long when `stored` is undefined (no such account), and is false. */
  verify(password: string, stored: string | undefined): Promise<boolean>;
}
