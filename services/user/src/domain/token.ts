/** What makes tokens: random bytes and a hash, passed in so that this stays pure. */
export interface TokenPorts {
  readonly randomBytes: (length: number) => Buffer;
  readonly sha256: (data: string) => Buffer;
  readonly nowMs: () => number;
}

/** A new token and what is kept of it. */
export interface NewToken {
  readonly token: string;
  /** SHA-256 of the token: 32 random bytes need no slow hash. */
  readonly hash: Buffer;
}

/** Three dotted parts, as client libraries expect: the account's id, the making time, and the secret, in base64url. */
export function makeToken(userId: bigint, ports: TokenPorts): NewToken {
  const id = Buffer.from(userId.toString()).toString("base64url");
  const seconds = Math.floor(ports.nowMs() / 1000);
  const time = Buffer.from([seconds >>> 24, seconds >>> 16, seconds >>> 8, seconds]).toString("base64url");
  const token = `${id}.${time}.${ports.randomBytes(32).toString("base64url")}`;
  return { token, hash: ports.sha256(token) };
}
