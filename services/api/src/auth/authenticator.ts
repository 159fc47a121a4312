import { hash } from "node:crypto";
import { isGuildhallError } from "@guildhall/errors";
import type { Account, Actor } from "@guildhall/proto";
import { LRUCache } from "lru-cache";
import { readAuthorization } from "./authorization.ts";

/** Who a valid token belongs to. */
export interface Identity {
  readonly account: Account;
  /** As commands and reads name it. */
  readonly actor: Actor;
  /** Decimal id of the account. */
  readonly userId: string;
  /** SHA-256 of the token. */
  readonly tokenHash: Buffer;
}

/** Tells whose token an Authorization header holds. */
export interface Authenticator {
  /**
   * At once when known, else by asking `user`, after `beforeAsking`; undefined = not valid. Throws what these throw
   * (UNAVAILABLE …). While `user` is away, what was known before is believed until its time is over.
   */
  identify(header: string, beforeAsking: () => Promise<void>): Identity | undefined | Promise<Identity | undefined>;
  /** Takes back what is known of tokens: their hashes stopped being valid. */
  revoke(tokenHashes: readonly Uint8Array[]): void;
  /** Takes back everything: revocations may have been missed. */
  forget(): void;
}

/** What an authenticator needs. */
export interface AuthenticatorOptions {
  /** Asks `user`; throws UNAUTHORIZED when the token is not valid. */
  readonly authenticate: (tokenHash: Buffer) => Promise<Account>;
  /** Whether every revocation of the last second has certainly been heard. */
  readonly hearsRevocations: () => boolean;
  /** Whether `user` can be asked. While it is away, nobody revokes anything, either. */
  readonly canAsk: () => boolean;
  readonly monotonicMs: () => number;
  readonly maxTokens: number;
  /** How long an account's data is believed, in milliseconds. */
  readonly ttlMs: number;
  /** How long it is believed when nobody can be asked. */
  readonly staleMs: number;
}

/** Makes an authenticator that believes what it keeps while it hears of revocations, or cannot ask anybody. */
export function makeAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { maxTokens, ttlMs, staleMs, monotonicMs } = options;
  const known = new LRUCache<string, Identity>({
    max: maxTokens,
    ttl: staleMs,
    ttlResolution: 0,
    perf: { now: monotonicMs },
  });
  const asking = new Map<string, Promise<Identity | undefined>>();
  // Answers asked for before the last revocation are not kept: they may be about a token that was just revoked.
  let revocations = 0;

  const ask = async (key: string): Promise<Identity | undefined> => {
    const before = revocations;
    const tokenHash = Buffer.from(key, "hex");
    const account = await options.authenticate(tokenHash).catch(undefinedIfUnauthorized);
    if (account === undefined) return undefined;
    const identity = toIdentity(account, tokenHash);
    if (identity !== undefined && before === revocations && options.hearsRevocations()) known.set(key, identity);
    return identity;
  };
  const askOnce = (key: string): Promise<Identity | undefined> => {
    let answer = asking.get(key);
    if (answer === undefined) {
      const started = ask(key).finally(() => {
        if (asking.get(key) === started) asking.delete(key);
      });
      asking.set(key, started);
      answer = started;
    }
    return answer;
  };
  const lookUp = (key: string): Identity | undefined => {
    if (!options.hearsRevocations()) return options.canAsk() ? undefined : known.get(key);
    return known.getRemainingTTL(key) > staleMs - ttlMs ? known.get(key) : undefined;
  };
  const askOrRecall = (key: string): Promise<Identity | undefined> =>
    askOnce(key).catch((error: unknown) => {
      const recalled = known.get(key);
      if (recalled === undefined) throw error;
      return recalled;
    });

  return {
    identify(header, beforeAsking) {
      const credentials = readAuthorization(header);
      if (credentials === undefined) return undefined;
      const key = hash("sha256", credentials.token, "hex");
      const ofKind = (identity: Identity | undefined) =>
        identity?.account.profile?.bot === (credentials.kind === "bot") ? identity : undefined;
      const identity = lookUp(key);
      if (identity !== undefined) return ofKind(identity);
      return beforeAsking()
        .then(() => askOrRecall(key))
        .then(ofKind);
    },
    revoke(tokenHashes) {
      revocations++;
      for (const each of tokenHashes) {
        const key = Buffer.from(each).toString("hex");
        known.delete(key);
        // A question under way may have been answered before the revocation.
        asking.delete(key);
      }
    },
    forget() {
      revocations++;
      known.clear();
      asking.clear();
    },
  };
}

function toIdentity(account: Account, tokenHash: Buffer): Identity | undefined {
  const { profile, applicationId } = account;
  if (profile === undefined) return undefined;
  return { account, actor: { profile, applicationId }, userId: String(profile.id), tokenHash };
}

function undefinedIfUnauthorized(error: unknown): undefined {
  if (isGuildhallError(error) && (error.code === "UNAUTHORIZED" || error.code === "INVALID_TOKEN")) return undefined;
  throw error;
}
