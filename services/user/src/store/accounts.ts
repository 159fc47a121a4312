/** An account row. Ids are snowflakes; texts are empty when absent. */
export interface AccountRow {
  readonly id: bigint;
  readonly username: string;
  readonly globalName: string;
  readonly avatar: string;
  readonly email: string;
  /** PHC string of Argon2id; empty for bots, who cannot log in. */
  readonly passwordHash: string;
  readonly bot: boolean;
  /** 0n for people. */
  readonly applicationId: bigint;
  readonly locale: string;
  readonly publicFlags: bigint;
}

/** An application; its bot's account has the same id. */
export interface ApplicationRow {
  readonly id: bigint;
  readonly name: string;
  readonly description: string;
  readonly botId: bigint;
  readonly ownerId: bigint;
  readonly flags: bigint;
  /** Hex of the raw Ed25519 public key; clients check interactions with it. */
  readonly verifyKey: string;
  /** PKCS#8 DER of the private half. Never leaves the process. */
  readonly signingKey: Uint8Array;
}

/** Whether a user is, or was, in a guild; (epoch, seq) is the position of the guild's event that said so. */
export interface MembershipRow {
  readonly userId: bigint;
  readonly guildId: bigint;
  readonly epoch: number;
  readonly seq: bigint;
  readonly member: boolean;
  readonly joinedAt: string;
}

/** What a change tells the user's own sessions; the store makes it an event of the user's topic. */
export type UserNotice =
  | { readonly kind: "guild-joined"; readonly guildId: bigint }
  | { readonly kind: "guild-left"; readonly guildId: bigint }
  | { readonly kind: "token-revoked"; readonly tokenHash: Uint8Array };

/** An event of a user topic; seq counts from 1 and has no gaps. */
export interface OutboxEvent {
  readonly userId: bigint;
  readonly seq: bigint;
  readonly notice: UserNotice;
}

/** Events of one user topic, and the lowest seq still held (head + 1 when none is). */
export interface OutboxPage {
  readonly floor: bigint;
  readonly events: readonly OutboxEvent[];
}

/** Why an account could not be added. */
export type Taken = "username" | "email";

/**
 * Accounts, tokens, applications, memberships and the outbox of user topics. Every write is durable when the method
 * returns; a change and its outbox event are one transaction. Throws STORE_UNAVAILABLE when the database cannot.
 */
export interface Accounts extends Disposable {
  addPerson(account: AccountRow, tokenHash: Uint8Array, atMs: number): Taken | undefined;
  /** Adds those whose username is free, in one transaction; returns what is there afterwards, in the order given. */
  addPeople(
    people: readonly { readonly account: AccountRow; readonly tokenHash: Uint8Array }[],
    atMs: number,
  ): readonly { readonly account: AccountRow; readonly added: boolean }[];
  addApplication(application: ApplicationRow, bot: AccountRow, tokenHash: Uint8Array, atMs: number): void;
  addToken(userId: bigint, tokenHash: Uint8Array, atMs: number): void;
  /** Returns the event that tells the account's sessions, or undefined when there was no such token. */
  removeToken(tokenHash: Uint8Array, atMs: number): OutboxEvent | undefined;
  /** Replaces every token of the account; returns the removed hashes and the events that tell of them. */
  replaceTokens(
    userId: bigint,
    tokenHash: Uint8Array,
    atMs: number,
  ): { readonly removed: readonly Uint8Array[]; readonly events: readonly OutboxEvent[] };
  accountOfToken(tokenHash: Uint8Array): AccountRow | undefined;
  account(id: bigint): AccountRow | undefined;
  /** By username, or by e-mail address when it holds an `@`. People only. */
  personByLogin(login: string): AccountRow | undefined;
  application(id: bigint): ApplicationRow | undefined;
  /** Current memberships of a user, by guild id, and the head of the user's topic at that moment. */
  memberships(userId: bigint): { readonly rows: readonly MembershipRow[]; readonly headSeq: bigint };
  /** Ignores rows whose (epoch, seq) is not above the stored one. Returns an event per membership that changed. */
  applyMemberships(rows: readonly MembershipRow[], atMs: number): readonly OutboxEvent[];
  headSeq(userId: bigint): bigint;
  outbox(userId: bigint, fromSeq: bigint, toSeq: bigint): OutboxPage;
  /** Drops at most `limit` events older than `beforeMs`; returns how many. */
  trimOutbox(beforeMs: number, limit: number): number;
}
