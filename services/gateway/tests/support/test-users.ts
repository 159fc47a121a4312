import { createHash } from "node:crypto";
import { GuildhallError } from "@guildhall/errors";
import {
  type Account,
  type BusItem,
  Event,
  type MembershipRow,
  type UserChange,
  type UserReply,
  type UserRequest,
  UserServiceService,
} from "@guildhall/proto";
import { createRpcServer, type RpcServer, serveExchange } from "@guildhall/rpc";

interface User {
  readonly account: Account;
  readonly hash: string;
  readonly guilds: bigint[];
  readonly events: Buffer[];
  isRevoked: boolean;
}

/** Every application flag that grants a privileged intent. */
export const allGrants = (1n << 12n) | (1n << 14n) | (1n << 18n);

/** The accounts, in memory: tokens, memberships and user topics. */
export class TestUsers implements AsyncDisposable {
  readonly #users = new Map<bigint, User>();
  readonly #publish: (item: BusItem) => void;
  #server: RpcServer | undefined;

  constructor(publish: (item: BusItem) => void) {
    this.#publish = publish;
  }

  async start(address: string): Promise<void> {
    const exchange = serveExchange<UserRequest, UserReply>({
      handle: (request) => this.#answer(request),
      limit: { inFlight: 10_000 },
    });
    const service = { exchange, watchRevocations: (call: { end(): void }) => call.end() };
    this.#server = await createRpcServer({ address, services: [[UserServiceService, service]], drainTimeoutMs: 50 });
  }

  /** Adds an account; its token is `token-<id>`. */
  add(id: bigint, { bot = false, flags = 0n, guilds = [] as bigint[] } = {}): string {
    const token = `token-${id}`;
    const profile = { id, username: `user-${id}`, globalName: "", avatar: "", bot, publicFlags: 0n };
    const account: Account = {
      profile,
      email: bot ? "" : `${id}@example.org`,
      locale: "en-US",
      mfaEnabled: false,
      verified: true,
      applicationId: bot ? id : 0n,
      applicationFlags: flags,
    };
    const hash = createHash("sha256").update(token).digest().toString("latin1");
    this.#users.set(id, { account, hash, guilds: [...guilds], events: [], isRevoked: false });
    return token;
  }

  /** The account is now a member; its sessions are told. */
  joined(id: bigint, guildId: bigint): void {
    this.#user(id).guilds.push(guildId);
    this.#emit(id, { $case: "guildJoined", value: guildId });
  }

  left(id: bigint, guildId: bigint): void {
    const { guilds } = this.#user(id);
    guilds.splice(guilds.indexOf(guildId), 1);
    this.#emit(id, { $case: "guildLeft", value: guildId });
  }

  revoke(id: bigint): void {
    const user = this.#user(id);
    user.isRevoked = true;
    this.#emit(id, { $case: "tokenRevoked", value: { tokenHash: Buffer.from(user.hash, "latin1") } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }

  #emit(id: bigint, of: NonNullable<UserChange["of"]>): void {
    const { events } = this.#user(id);
    const seq = BigInt(events.length + 1);
    const event = { topic: id, epoch: 1, seq, dispatches: [], changes: [], userChanges: [{ of }], traceparent: "" };
    const value = Buffer.from(Event.encode(event).finish());
    events.push(value);
    this.#publish({ topic: id, of: { $case: "event", value }, source: "user-0/1" });
  }

  #answer({ body }: UserRequest): UserReply["body"] {
    switch (body?.$case) {
      case "authenticate": {
        const hash = body.value.tokenHash.toString("latin1");
        const user = [...this.#users.values()].find((each) => each.hash === hash && !each.isRevoked);
        if (user === undefined) throw new GuildhallError("UNAUTHORIZED", "no such token");
        return { $case: "authenticate", value: { account: user.account } };
      }
      case "listMemberships": {
        const { userId } = body.value;
        const { guilds, events } = this.#user(userId);
        const memberships = guilds.map(
          (guildId): MembershipRow => ({ userId, guildId, epoch: 1, seq: 1n, member: true, joinedAt: "" }),
        );
        return { $case: "listMemberships", value: { memberships, head: headOf(userId, events.length) } };
      }
      case "heads": {
        const heads = body.value.topics.map((id) => headOf(id, this.#user(id).events.length));
        return { $case: "heads", value: { heads, sources: heads.map(() => "user-0/1") } };
      }
      case "refill": {
        const { topic, fromSeq, toSeq } = body.value;
        return {
          $case: "refill",
          value: { events: this.#user(topic).events.slice(Number(fromSeq) - 1, Number(toSeq)) },
        };
      }
      default:
        throw new GuildhallError("INTERNAL", "not for a gateway");
    }
  }

  #user(id: bigint): User {
    const user = this.#users.get(id);
    if (user === undefined) throw new GuildhallError("UNKNOWN_USER", `user ${id}`);
    return user;
  }
}

function headOf(topic: bigint, events: number) {
  return { topic, epoch: 1, seq: BigInt(events), lastId: 0n, lastTs: 0n };
}
