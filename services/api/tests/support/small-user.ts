import { createHash } from "node:crypto";
import { type handleServerStreamingCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import { GuildhallError } from "@guildhall/errors";
import {
  type Account,
  type Application,
  type MembershipRow,
  type UserReply,
  type UserRequest,
  UserServiceService,
  type UserServiceWatchRevocationsRequest as WatchRequest,
  type UserServiceWatchRevocationsResponse as WatchResponse,
} from "@guildhall/proto";
import { createRpcServer, type RpcServer, serveExchange } from "@guildhall/rpc";

/** A small `user`: accounts and tokens in memory. */
export interface SmallUser extends AsyncDisposable {
  readonly address: string;
  /** How often it was asked whose a token is. */
  authentications(): number;
  addAccount(account: { readonly id: bigint; readonly bot?: boolean; readonly flags?: bigint }): string;
  setMemberships(userId: bigint, guildIds: readonly bigint[]): void;
  /** Ends a token's validity and tells the watchers. */
  revoke(token: string): void;
  /** Ends a token's validity and tells nobody, as when the telling is lost. */
  revokeSilently(token: string): void;
  /** Ends every watcher's stream. */
  cutWatchers(): void;
  watchers(): number;
  beats(on: boolean): void;
}

const beatMs = 50;

type Watcher = ServerWritableStream<WatchRequest, WatchResponse>;

class State {
  readonly accounts = new Map<bigint, Account>();
  readonly passwords = new Map<string, bigint>();
  readonly tokens = new Map<string, bigint>();
  readonly memberships = new Map<bigint, readonly MembershipRow[]>();
  readonly watchers = new Set<Watcher>();
  authentications = 0;
  beating = true;
  made = 0n;
}

const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest();

function makeAccount(id: bigint, username: string, bot = false, flags = 0n): Account {
  const profile = { id, username, globalName: "", avatar: "", bot, publicFlags: 0n };
  const applicationId = bot ? id : 0n;
  return {
    profile,
    email: bot ? "" : `${username}@example.org`,
    locale: "en-US",
    mfaEnabled: false,
    verified: true,
    applicationId,
    applicationFlags: flags,
  };
}

function addToken(state: State, id: bigint): string {
  state.made++;
  const token = [String(id), "t", String(state.made)].map((part) => Buffer.from(part).toString("base64url")).join(".");
  state.tokens.set(hashOf(token).toString("hex"), id);
  return token;
}

function accountOf(state: State, tokenHash: Uint8Array): Account {
  const account = state.accounts.get(state.tokens.get(Buffer.from(tokenHash).toString("hex")) ?? 0n);
  if (account === undefined) throw new GuildhallError("UNAUTHORIZED", "not a token");
  return account;
}

function tell(state: State, tokenHashes: Buffer[]): void {
  for (const watcher of state.watchers) watcher.write({ tokenHashes });
}

function removeToken(state: State, tokenHash: Buffer): void {
  state.tokens.delete(tokenHash.toString("hex"));
  tell(state, [tokenHash]);
}

function applicationOf(state: State, id: bigint): Application {
  const account = state.accounts.get(id);
  if (account === undefined) throw new GuildhallError("UNKNOWN_APPLICATION", "none");
  const { profile, applicationFlags: flags } = account;
  return { id, name: "app", description: "", bot: profile, owner: profile, flags, verifyKey: "00", botToken: "" };
}

function register(state: State, username: string, password: string) {
  if (state.passwords.has(`${username} ${password}`)) {
    const fields = [{ path: ["username"], code: "USERNAME_ALREADY_TAKEN", message: "Taken." }];
    throw new GuildhallError("INVALID_FORM", "taken", { fields });
  }
  state.made++;
  const account = makeAccount(9_000_000_000_000_000n + state.made, username);
  const { id } = account.profile as { id: bigint };
  state.accounts.set(id, account);
  state.passwords.set(`${username} ${password}`, id);
  return { token: addToken(state, id), account };
}

function login(state: State, name: string, password: string) {
  const id = state.passwords.get(`${name} ${password}`);
  if (id === undefined) {
    const fields = [{ path: ["login"], code: "INVALID_LOGIN", message: "Login or password is invalid." }];
    throw new GuildhallError("INVALID_FORM", "no", { fields });
  }
  return { token: addToken(state, id), account: state.accounts.get(id) };
}

function answer(state: State, { body }: UserRequest): UserReply["body"] {
  switch (body?.$case) {
    case "authenticate":
      state.authentications++;
      return { $case: "authenticate", value: { account: accountOf(state, body.value.tokenHash) } };
    case "register":
      return { $case: "register", value: register(state, body.value.username, body.value.password) };
    case "login":
      return { $case: "login", value: login(state, body.value.login, body.value.password) };
    case "logout":
      removeToken(state, body.value.tokenHash as Buffer);
      return { $case: "logout", value: {} };
    case "getUsers": {
      const accounts = body.value.ids.flatMap((id) => state.accounts.get(id) ?? []);
      return { $case: "getUsers", value: { accounts } };
    }
    case "getApplication":
      return { $case: "getApplication", value: applicationOf(state, body.value.applicationId) };
    case "listMemberships": {
      const memberships = [...(state.memberships.get(body.value.userId) ?? [])];
      return { $case: "listMemberships", value: { memberships, head: undefined } };
    }
    default:
      throw new GuildhallError("INTERNAL", `not served: ${body?.$case}`);
  }
}

function makeWatch(state: State): handleServerStreamingCall<WatchRequest, WatchResponse> {
  return (call) => {
    state.watchers.add(call);
    call.write({ tokenHashes: [] });
    for (const event of ["cancelled", "close", "error"]) call.on(event, () => state.watchers.delete(call));
  };
}

/** Starts it at `address`. */
export async function startSmallUser(address: string): Promise<SmallUser> {
  const state = new State();
  const exchange = serveExchange<UserRequest, UserReply>({
    limit: { inFlight: 1000 },
    handle: (request) => answer(state, request),
  });
  const handlers = { exchange, watchRevocations: makeWatch(state) };
  const server: RpcServer = await createRpcServer({ address, services: [[UserServiceService, handlers]] });
  const beat = setInterval(() => {
    if (state.beating) tell(state, []);
  }, beatMs);
  return {
    address,
    authentications: () => state.authentications,
    addAccount({ id, bot = false, flags = 0n }) {
      state.accounts.set(id, makeAccount(id, `name${id}`, bot, flags));
      return addToken(state, id);
    },
    setMemberships(userId, guildIds) {
      const row = (guildId: bigint) => ({ userId, guildId, epoch: 1, seq: 1n, member: true, joinedAt: "" });
      state.memberships.set(userId, guildIds.map(row));
    },
    revoke: (token) => removeToken(state, hashOf(token)),
    revokeSilently: (token) => void state.tokens.delete(hashOf(token).toString("hex")),
    cutWatchers() {
      for (const watcher of state.watchers) watcher.emit("error", { code: status.UNAVAILABLE, details: "cut" });
      state.watchers.clear();
    },
    watchers: () => state.watchers.size,
    beats: (on) => {
      state.beating = on;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      await server[Symbol.asyncDispose]();
    },
  };
}
