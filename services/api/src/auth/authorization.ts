/** What an Authorization header claims. */
export interface Credentials {
  readonly kind: "bot" | "user";
  readonly token: string;
}

const botPrefix = /^Bot +/i;
const token = /^[\x21-\x7e]{1,512}$/;

/** Reads an Authorization header: `Bot <token>`, or a person's bare token. Undefined for all else, Bearer included. */
export function readAuthorization(header: string): Credentials | undefined {
  const bare = header.replace(botPrefix, "");
  const kind = bare.length === header.length ? "user" : "bot";
  return token.test(bare) ? { kind, token: bare } : undefined;
}
