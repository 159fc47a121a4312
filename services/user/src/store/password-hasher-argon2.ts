import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { GuildhallError } from "@guildhall/errors";
import type { PasswordHasher } from "./password-hasher.ts";

const derive = promisify(argon2);
const tagLength = 32;
const version = 19;

/** `Standard` is OWASP's Argon2id setting (19 MiB, 2 passes: about 60 ms); `Low` is for seeding and tests. */
export const passwordCosts = {
  Standard: { memory: 19_456, passes: 2, parallelism: 1 },
  Low: { memory: 64, passes: 1, parallelism: 1 },
} as const;

/** Name of a cost setting. */
export type PasswordCost = keyof typeof passwordCosts;

interface Parameters {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** How many hashes run at once (each takes a thread of libuv's pool and its memory), and how many may wait. */
const runningLimit = 3;
const waitingLimit = 512;

/** Argon2id from Node's own crypto. */
export function makeArgon2Hasher(cost: PasswordCost): PasswordHasher {
  const gate = makeGate();
  const parameters: Parameters = passwordCosts[cost];

  async function tagOf(password: string, salt: Buffer, { memory, passes, parallelism }: Parameters): Promise<Buffer> {
    await gate.enter();
    try {
      return await derive("argon2id", { message: password, nonce: salt, parallelism, tagLength, memory, passes });
    } finally {
      gate.leave();
    }
  }

  return {
    async hash(password) {
      const salt = randomBytes(16);
      return format(parameters, salt, await tagOf(password, salt, parameters));
    },
    async verify(password, stored) {
      const parsed = stored === undefined ? undefined : parse(stored);
      const salt = parsed?.salt ?? randomBytes(16);
      const tag = await tagOf(password, salt, parsed?.parameters ?? parameters);
      return parsed !== undefined && parsed.tag.length === tag.length && timingSafeEqual(parsed.tag, tag);
    },
  };
}

function makeGate() {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async enter(): Promise<void> {
      if (running < runningLimit) {
        running += 1;
        return;
      }
      if (waiting.length >= waitingLimit) {
        throw new GuildhallError("QUEUE_FULL", "too many logins wait for their password check", { retryAfterMs: 2000 });
      }
      await new Promise<void>((resolve) => waiting.push(resolve));
    },
    leave(): void {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    },
  };
}

const base64 = (bytes: Buffer) => bytes.toString("base64").replaceAll("=", "");

function format({ memory, passes, parallelism }: Parameters, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=${version}$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function parse(text: string): { parameters: Parameters; salt: Buffer; tag: Buffer } | undefined {
  const match = phc.exec(text);
  if (match === null) return undefined;
  const [, memory, passes, parallelism, salt = "", tag = ""] = match;
  return {
    parameters: { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, "base64"),
    tag: Buffer.from(tag, "base64"),
  };
}
