import { hash } from "node:crypto";
import { GuildhallError } from "@guildhall/errors";
import type { Account, MembershipRow, Profile, UserReply, UserRequest } from "@guildhall/proto";
import { encodeUserEvent, makeAnnouncer, userHead } from "@guildhall/user/user-topic";
import type { SimProcess } from "../engine/sim-process.ts";
import { makeSimPublisher } from "../network/bus-streams.ts";
import { userCodec } from "../network/codecs.ts";
import { serveSimExchange } from "../network/exchange.ts";
import type { Network } from "../network/network.ts";

type OutboxEvent = Parameters<typeof encodeUserEvent>[0];

/** The accounts database: what survives its process. A model of the real one, which owns nothing that moves. */
export class AccountsDisk {
  readonly #rows = new Map<bigint, Map<bigint, MembershipRow>>();
  readonly #outbox = new Map<bigint, OutboxEvent[]>();
  readonly #accounts = new Map<string, Account>();

  /** Makes an account with a token. */
  register(profile: Profile, token: string): void {
    this.#accounts.set(hash("sha256", token), {
      ...{ profile, email: "", locale: "en-US", mfaEnabled: false, verified: true },
      ...{ applicationId: profile.bot ? profile.id : 0n, applicationFlags: profile.bot ? allIntents : 0n },
    });
  }

  accountOf(tokenHash: Uint8Array): Account | undefined {
    return this.#accounts.get(Buffer.from(tokenHash).toString("hex"));
  }

  /** Ignores rows whose (epoch, seq) is not above the known one; an event for each membership that changed. */
  apply(rows: readonly MembershipRow[]): OutboxEvent[] {
    return rows.flatMap((row) => {
      const { userId, guildId } = row;
      const known = this.#rows.get(userId)?.get(guildId);
      const isNewer =
        known === undefined || row.epoch > known.epoch || (row.epoch === known.epoch && row.seq > known.seq);
      if (!isNewer) return [];
      const guilds = this.#rows.get(userId) ?? new Map<bigint, MembershipRow>();
      this.#rows.set(userId, guilds.set(guildId, row));
      if ((known?.member ?? false) === row.member) return [];
      const outbox = this.#outbox.get(userId) ?? [];
      this.#outbox.set(userId, outbox);
      const kind = row.member ? "guild-joined" : "guild-left";
      const event: OutboxEvent = { userId, seq: BigInt(outbox.length + 1), notice: { kind, guildId } };
      outbox.push(event);
      return [event];
    });
  }

  memberships(userId: bigint): MembershipRow[] {
    return [...(this.#rows.get(userId)?.values() ?? [])].filter(({ member }) => member);
  }

  headSeq(userId: bigint): bigint {
    return BigInt(this.#outbox.get(userId)?.length ?? 0);
  }

  outbox(userId: bigint, from: bigint, to: bigint): OutboxEvent[] {
    return (this.#outbox.get(userId) ?? []).slice(Number(from) - 1, Number(to));
  }
}

const beatMs = 250;
// Discord's application flags for members, presences and message content.
const allIntents = (1n << 12n) | (1n << 14n) | (1n << 18n);

/** Starts the user service's model. */
export function startUser(
  network: Network,
  process: SimProcess,
  {
    address,
    routers,
    disk,
  }: { readonly address: string; readonly routers: readonly string[]; readonly disk: AccountsDisk },
): void {
  const source = `${process.name}/${process.incarnation}`;
  const publisher = makeSimPublisher(network, process, routers, source);
  const announcer = makeAnnouncer(source, (items) => publisher.publish(items));
  process.timers.every(beatMs, () => announcer.beat());
  network.listen(address, process, {
    exchange: serveSimExchange<UserRequest, UserReply>(({ body }): UserReply["body"] => {
      switch (body?.$case) {
        case "applyMemberships":
          if (process.acts()) announcer.announce(disk.apply(body.value.rows));
          return { $case: "applyMemberships", value: {} };
        case "authenticate": {
          const account = disk.accountOf(body.value.tokenHash);
          if (account === undefined) throw new GuildhallError("UNAUTHORIZED", "no such token");
          return { $case: "authenticate", value: { account } };
        }
        case "listMemberships": {
          const { userId } = body.value;
          const value = { memberships: disk.memberships(userId), head: userHead(userId, disk.headSeq(userId)) };
          return { $case: "listMemberships", value };
        }
        case "heads": {
          const heads = body.value.topics.map((topic) => userHead(topic, disk.headSeq(topic)));
          return { $case: "heads", value: { heads, sources: heads.map(() => source) } };
        }
        case "refill": {
          const { topic, fromSeq, toSeq } = body.value;
          return { $case: "refill", value: { events: disk.outbox(topic, fromSeq, toSeq).map(encodeUserEvent) } };
        }
        default:
          throw new GuildhallError("INVALID_FORM", `the model knows no ${body?.$case}`);
      }
    }, userCodec),
  });
}
