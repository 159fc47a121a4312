import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { GuildhallError } from "@guildhall/errors";
import type {
  AccountRow,
  Accounts,
  ApplicationRow,
  MembershipRow,
  OutboxEvent,
  OutboxPage,
  Taken,
  UserNotice,
} from "./accounts.ts";
import { readAccount, readApplication, readMembership, readNotice, writeNotice } from "./accounts-rows.ts";

/** Integers of the database are signed; no id that exists comes near, but one that is asked for may. */
const largestId = (1n << 63n) - 1n;

/** The database within its folder. */
export const accountsFile = "accounts.db";

const schemaVersion = 1;
const schema = `
  CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, username TEXT NOT NULL, global_name TEXT NOT NULL, avatar TEXT NOT NULL,
    email TEXT NOT NULL, password_hash TEXT NOT NULL, bot INTEGER NOT NULL, application_id INTEGER NOT NULL,
    locale TEXT NOT NULL, public_flags INTEGER NOT NULL, seq INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX accounts_username ON accounts (username) WHERE bot = 0;
  CREATE UNIQUE INDEX accounts_email ON accounts (email) WHERE email <> '';
  CREATE TABLE tokens (
    hash BLOB PRIMARY KEY, user_id INTEGER NOT NULL, created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_user ON tokens (user_id);
  CREATE TABLE applications (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, bot_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL, flags INTEGER NOT NULL, verify_key TEXT NOT NULL, signing_key BLOB NOT NULL
  ) STRICT;
  CREATE TABLE memberships (
    user_id INTEGER NOT NULL, guild_id INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    member INTEGER NOT NULL, joined_at TEXT NOT NULL, PRIMARY KEY (user_id, guild_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE outbox (
    user_id INTEGER NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,
    guild_id INTEGER NOT NULL, token_hash BLOB NOT NULL, PRIMARY KEY (user_id, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX outbox_age ON outbox (at_ms);
`;

/** Opens or makes `accounts.db` in a folder. Throws STATE_VERSION when another version of the schema is there. */
export function openAccountsSqlite(folder: string): Accounts {
  return new SqliteAccounts(openDatabase(folder));
}

class SqliteAccounts implements Accounts {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  addPerson(person: AccountRow, tokenHash: Uint8Array, atMs: number): Taken | undefined {
    return this.#transaction(() => {
      const taken = this.#takenBy(person);
      if (taken !== undefined) return taken;
      this.#insertAccount(person, atMs);
      this.#insertToken(person.id, tokenHash, atMs);
      return undefined;
    });
  }

  addPeople(
    people: readonly { readonly account: AccountRow; readonly tokenHash: Uint8Array }[],
    atMs: number,
  ): readonly { readonly account: AccountRow; readonly added: boolean }[] {
    return this.#transaction(() =>
      people.map(({ account, tokenHash }) => {
        const existing = this.personByLogin(account.username);
        if (existing !== undefined) return { account: existing, added: false };
        this.#insertAccount(account, atMs);
        this.#insertToken(account.id, tokenHash, atMs);
        return { account, added: true };
      }),
    );
  }

  addApplication(application: ApplicationRow, bot: AccountRow, tokenHash: Uint8Array, atMs: number): void {
    this.#transaction(() => {
      this.#insertAccount(bot, atMs);
      this.#insertToken(bot.id, tokenHash, atMs);
      this.#insert("applications", {
        id: application.id,
        name: application.name,
        description: application.description,
        bot_id: application.botId,
        owner_id: application.ownerId,
        flags: application.flags,
        verify_key: application.verifyKey,
        signing_key: application.signingKey,
      });
    });
  }

  addToken(userId: bigint, tokenHash: Uint8Array, atMs: number): void {
    this.#insertToken(userId, tokenHash, atMs);
  }

  removeToken(tokenHash: Uint8Array, atMs: number): OutboxEvent | undefined {
    return this.#transaction(() => {
      const row = this.#get("DELETE FROM tokens WHERE hash = ? RETURNING user_id", tokenHash);
      if (row === undefined) return undefined;
      return this.#appendOutbox(row.user_id as bigint, { kind: "token-revoked", tokenHash }, atMs);
    });
  }

  replaceTokens(userId: bigint, tokenHash: Uint8Array, atMs: number) {
    return this.#transaction(() => {
      const rows = this.#all("DELETE FROM tokens WHERE user_id = ? RETURNING hash", userId);
      const removed = rows.map((row) => row.hash as Uint8Array);
      const events = removed.flatMap(
        (hash) => this.#appendOutbox(userId, { kind: "token-revoked", tokenHash: hash }, atMs) ?? [],
      );
      this.#insertToken(userId, tokenHash, atMs);
      return { removed, events };
    });
  }

  accountOfToken(hash: Uint8Array): AccountRow | undefined {
    const row = this.#get("SELECT a.* FROM tokens t JOIN accounts a ON a.id = t.user_id WHERE t.hash = ?", hash);
    return row === undefined ? undefined : readAccount(row);
  }

  account(id: bigint): AccountRow | undefined {
    const row = id > largestId ? undefined : this.#get("SELECT * FROM accounts WHERE id = ?", id);
    return row === undefined ? undefined : readAccount(row);
  }

  personByLogin(login: string): AccountRow | undefined {
    const column = login.includes("@") ? "email" : "username";
    const row = this.#get(`SELECT * FROM accounts WHERE ${column} = ? AND bot = 0`, login.toLowerCase());
    return row === undefined ? undefined : readAccount(row);
  }

  application(id: bigint): ApplicationRow | undefined {
    const row = id > largestId ? undefined : this.#get("SELECT * FROM applications WHERE id = ?", id);
    return row === undefined ? undefined : readApplication(row);
  }

  memberships(userId: bigint) {
    const rows = this.#all("SELECT * FROM memberships WHERE user_id = ? AND member = 1 ORDER BY guild_id", userId);
    return { rows: rows.map(readMembership), headSeq: this.headSeq(userId) };
  }

  applyMemberships(rows: readonly MembershipRow[], atMs: number): readonly OutboxEvent[] {
    return this.#transaction(() => rows.flatMap((row) => this.#applyMembership(row, atMs) ?? []));
  }

  headSeq(userId: bigint): bigint {
    return (this.#get("SELECT seq FROM accounts WHERE id = ?", userId)?.seq as bigint | undefined) ?? 0n;
  }

  outbox(userId: bigint, fromSeq: bigint, toSeq: bigint): OutboxPage {
    const lowest = this.#get("SELECT min(seq) AS seq FROM outbox WHERE user_id = ?", userId)?.seq as bigint | null;
    const rows = this.#all(
      "SELECT * FROM outbox WHERE user_id = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT 1000",
      userId,
      fromSeq,
      toSeq,
    );
    return {
      floor: lowest ?? this.headSeq(userId) + 1n,
      events: rows.map((row) => ({ userId, seq: row.seq as bigint, notice: readNotice(row) })),
    };
  }

  trimOutbox(beforeMs: number, limit: number): number {
    const old = "SELECT user_id, seq FROM outbox WHERE at_ms < ? ORDER BY at_ms LIMIT ?";
    const { changes } = this.#run(`DELETE FROM outbox WHERE (user_id, seq) IN (${old})`, beforeMs, limit);
    return Number(changes);
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #applyMembership(row: MembershipRow, atMs: number): OutboxEvent | undefined {
    const stored = this.#get("SELECT * FROM memberships WHERE user_id = ? AND guild_id = ?", row.userId, row.guildId);
    const before = stored === undefined ? undefined : readMembership(stored);
    if (before !== undefined && !isLater(row, before)) return undefined;
    this.#run(
      `INSERT INTO memberships (user_id, guild_id, epoch, seq, member, joined_at) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, member = excluded.member,
         joined_at = excluded.joined_at`,
      row.userId,
      row.guildId,
      row.epoch,
      row.seq,
      row.member ? 1 : 0,
      row.joinedAt,
    );
    if ((before?.member ?? false) === row.member) return undefined;
    const kind = row.member ? "guild-joined" : "guild-left";
    return this.#appendOutbox(row.userId, { kind, guildId: row.guildId }, atMs);
  }

  /** The seq is a column of the user's row, raised in the transaction of the change it tells of. */
  #appendOutbox(userId: bigint, notice: UserNotice, atMs: number): OutboxEvent | undefined {
    const row = this.#get("UPDATE accounts SET seq = seq + 1 WHERE id = ? RETURNING seq", userId);
    if (row === undefined) return undefined;
    const seq = row.seq as bigint;
    this.#insert("outbox", { user_id: userId, seq, at_ms: atMs, ...writeNotice(notice) });
    return { userId, seq, notice };
  }

  #takenBy(account: AccountRow): Taken | undefined {
    const name = this.#get("SELECT 1 FROM accounts WHERE username = ? AND bot = 0", account.username);
    if (name !== undefined) return "username";
    if (account.email === "") return undefined;
    return this.#get("SELECT 1 FROM accounts WHERE email = ?", account.email) === undefined ? undefined : "email";
  }

  #insertAccount(account: AccountRow, atMs: number): void {
    this.#insert("accounts", {
      id: account.id,
      username: account.username,
      global_name: account.globalName,
      avatar: account.avatar,
      email: account.email,
      password_hash: account.passwordHash,
      bot: account.bot ? 1 : 0,
      application_id: account.applicationId,
      locale: account.locale,
      public_flags: account.publicFlags,
      created_at: atMs,
    });
  }

  #insertToken(userId: bigint, hash: Uint8Array, atMs: number): void {
    this.#insert("tokens", { hash, user_id: userId, created_at: atMs });
  }

  #insert(table: string, row: Record<string, SQLInputValue>): void {
    const columns = Object.keys(row);
    const places = columns.map(() => "?").join(", ");
    this.#run(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${places})`, ...Object.values(row));
  }

  #transaction<T>(work: () => T): T {
    guarded(() => this.#database.exec("BEGIN IMMEDIATE"));
    try {
      const result = work();
      guarded(() => this.#database.exec("COMMIT"));
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      statement.setReadBigInts(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return guarded(() => this.#prepared(sql).run(...values));
  }

  #get(sql: string, ...values: SQLInputValue[]) {
    return guarded(() => this.#prepared(sql).get(...values));
  }

  #all(sql: string, ...values: SQLInputValue[]) {
    return guarded(() => this.#prepared(sql).all(...values));
  }
}

function isLater(row: MembershipRow, stored: MembershipRow): boolean {
  return row.epoch !== stored.epoch ? row.epoch > stored.epoch : row.seq > stored.seq;
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new GuildhallError("STORE_UNAVAILABLE", "the accounts database cannot do that now", { cause: error });
  }
}

function openDatabase(folder: string): DatabaseSync {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(join(folder, accountsFile));
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;");
  } catch (error) {
    const reason = Error.isError(error) ? error.message : String(error);
    throw new GuildhallError("STORE_UNAVAILABLE", `cannot open accounts.db in ${folder}: ${reason}`, { cause: error });
  }
  const version = Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
  if (version === 0) {
    database.exec(`BEGIN; ${schema} PRAGMA user_version = ${schemaVersion}; COMMIT;`);
  } else if (version !== schemaVersion) {
    database.close();
    const message = `accounts.db in ${folder} has schema version ${version}; this release reads ${schemaVersion}`;
    throw new GuildhallError("STATE_VERSION", message);
  }
  return database;
}
