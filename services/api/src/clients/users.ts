import { GuildhallError } from "@guildhall/errors";
import type { Account, Actor, Application, Login, MembershipRow, Register, Session } from "@guildhall/proto";
import type { UserClient } from "@guildhall/rpc";
import { type AttemptOptions, withAttempts } from "./attempts.ts";
import { makePool } from "./pool.ts";

/** Accounts and tokens, at `user`. */
export interface Users {
  register(form: Register, traceparent: string): Promise<Session>;
  login(form: Login, traceparent: string): Promise<Session>;
  logout(tokenHash: Buffer, traceparent: string): Promise<void>;
  /** Throws UNAUTHORIZED when the token is nobody's. */
  authenticate(tokenHash: Buffer): Promise<Account>;
  /** Those that exist. */
  accounts(ids: readonly bigint[], traceparent: string): Promise<readonly Account[]>;
  application(id: bigint, traceparent: string): Promise<Application>;
  /** Of the actor itself, those left included. */
  memberships(actor: Actor, traceparent: string): Promise<readonly MembershipRow[]>;
  isConnected(): boolean;
}

const timeoutMs = 10_000;

/** What the accounts are reached by. */
export interface UsersOptions {
  readonly users: readonly UserClient[];
  readonly monotonicMs: () => number;
  readonly onRetry: (code: string) => void;
}

/** Makes the way to the accounts. What may be asked twice is asked again when an answer is lost; the rest is not. */
export function makeUsers({ users, monotonicMs, onRetry }: UsersOptions): Users {
  const pool = makePool(users);
  const again: AttemptOptions = { monotonicMs, timeoutMs, changes: false, onRetry };
  return {
    register: (form, traceparent) => pool.next().call("register", form, { timeoutMs, traceparent }),
    login: (form, traceparent) => pool.next().call("login", form, { timeoutMs, traceparent }),
    async logout(tokenHash, traceparent) {
      await withAttempts(again, (leftMs) =>
        pool.next().call("logout", { tokenHash }, { timeoutMs: leftMs, traceparent }),
      );
    },
    async authenticate(tokenHash) {
      const { account } = await withAttempts(again, (leftMs) =>
        pool.next().call("authenticate", { tokenHash }, { timeoutMs: leftMs }),
      );
      if (account === undefined) throw new GuildhallError("INTERNAL", "a token was accepted without its account");
      return account;
    },
    async accounts(ids, traceparent) {
      const { accounts } = await withAttempts(again, (leftMs) =>
        pool.next().call("getUsers", { ids: [...ids] }, { timeoutMs: leftMs, traceparent }),
      );
      return accounts;
    },
    application: (applicationId, traceparent) =>
      withAttempts(again, (leftMs) =>
        pool.next().call("getApplication", { applicationId }, { timeoutMs: leftMs, traceparent }),
      ),
    async memberships({ profile }, traceparent) {
      const { memberships } = await withAttempts(again, (leftMs) =>
        pool.next().call("listMemberships", { userId: profile?.id ?? 0n }, { timeoutMs: leftMs, traceparent }),
      );
      return memberships;
    },
    isConnected: pool.isConnected,
  };
}
