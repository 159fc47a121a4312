import { AddPeople, CreateMessage, type Profile } from "@guildhall/proto";
import type { Evidence, ReadWhat } from "../checks/evidence.ts";
import type { Random } from "../engine/random.ts";
import type { ApiClient, Outcome } from "./api-client.ts";
import type { SimGuild } from "./sim-guild.ts";

/** How busy people are: mean pauses in milliseconds; 0 = never. */
export interface Pace {
  readonly sendMs: number;
  readonly changeMs: number;
  readonly moderateMs: number;
  readonly readMs: number;
}

/** What a workload is made with. */
export interface WorkloadOptions {
  readonly client: ApiClient;
  readonly guild: SimGuild;
  readonly random: Random;
  readonly evidence: Evidence;
  readonly pace: Pace;
  /** By how much longer people pause at present. */
  readonly slowness: () => number;
  /** Whether people still act. */
  readonly isOn: () => boolean;
}

const everybody = { parse: [], users: [], roles: [], repliedUser: false };
const viewChannel = 1n << 10n;
const nonceTries = 4;
const rememberedMessages = 20;

/** Lets people of one guild act until `isOn` says that it is enough. */
export function startWorkload(options: WorkloadOptions): void {
  const work = new Workload(options);
  const { pace } = options;
  work.repeat(pace.sendMs, () => work.send());
  work.repeat(pace.changeMs, () => work.change());
  work.repeat(pace.moderateMs, () => work.rename());
  work.repeat(pace.moderateMs, () => work.shutOut());
  work.repeat(pace.sendMs, () => work.type());
  work.repeat(pace.readMs, () => work.readRegister());
  work.repeat(pace.readMs, () => work.readSecret());
  work.repeat(pace.readMs * 2, () => work.readHistory());
}

class Workload {
  readonly #options: WorkloadOptions;
  readonly #messages: { readonly id: bigint; readonly author: Profile; readonly channelId: bigint }[] = [];
  #sent = 0;
  #version = 0;

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  /** Does something again and again, with pauses about as long. */
  repeat(meanMs: number, act: () => Promise<void>): void {
    const { client, random, slowness, isOn } = this.#options;
    if (meanMs === 0) return;
    const loop = async (): Promise<void> => {
      for (;;) {
        await client.sleep(random.exponential(meanMs) * slowness());
        if (!isOn()) return;
        await act();
      }
    };
    void loop();
  }

  /** Posts a message; one with an enforced nonce is sent again while its outcome is unknown. */
  async send(): Promise<void> {
    const { client, guild, random } = this.#options;
    const author = random.pick([guild.owner, ...guild.people]);
    const channelId = random.chance(0.7) ? guild.general : guild.secret;
    this.#sent++;
    const content = `m${this.#sent}`;
    const enforceNonce = random.chance(0.5);
    const value = CreateMessage.fromPartial({
      ...{ channelId, content, enforceNonce },
      nonceJson: enforceNonce ? `"${guild.id}-${this.#sent}"` : "",
      allowedMentions: everybody,
    });
    for (let tries = 0; tries < (enforceNonce ? nonceTries : 1); tries++) {
      const outcome = await client.command(author, 0n, { $case: "createMessage", value });
      if (outcome.is === "done") return this.#remember(author, channelId, outcome.value.json);
      if (outcome.is === "rejected") return;
    }
  }

  /** Types; nothing waits for that. */
  async type(): Promise<void> {
    const { client, guild, random } = this.#options;
    const channelId = random.pick([guild.general, guild.secret]);
    await client.command(random.pick(guild.people), 0n, { $case: "startTyping", value: { channelId } });
  }

  #remember(author: Profile, channelId: bigint, json: Uint8Array): void {
    const { id } = JSON.parse(Buffer.from(json).toString()) as { id: string };
    this.#messages.push({ id: BigInt(id), author, channelId });
    if (this.#messages.length > rememberedMessages) this.#messages.shift();
  }

  /** Edits, deletes, or reacts to, a message. */
  async change(): Promise<void> {
    const { client, random } = this.#options;
    if (this.#messages.length === 0) return;
    const { id: messageId, author, channelId } = random.pick(this.#messages);
    const kind = random.int(3);
    this.#sent++;
    if (kind === 0) {
      const value = { channelId, messageId, content: `e${this.#sent}`, embedsJson: undefined, flags: undefined };
      await client.command(author, 0n, { $case: "editMessage", value: { ...value, allowedMentions: everybody } });
    } else if (kind === 1) {
      await client.command(author, 0n, { $case: "deleteMessage", value: { channelId, messageId } });
    } else {
      const value = { channelId, messageId, emoji: { id: 0n, name: "🔥" } };
      await client.command(author, 0n, { $case: random.chance(0.7) ? "addReaction" : "removeReaction", value });
    }
  }

  /** Counts the register's name up. */
  async rename(): Promise<void> {
    const { client, guild } = this.#options;
    this.#version++;
    await client.command(guild.owner, 0n, {
      $case: "editChannel",
      value: { ...noEdit, channelId: guild.register, name: `v${this.#version}` },
    });
  }

  /** Hides the secret channel from the victim or shows it; or kicks the victim and lets it in again. */
  async shutOut(): Promise<void> {
    const { client, guild, random } = this.#options;
    const { owner, victim, secret, id } = guild;
    switch (random.int(6)) {
      case 0:
        await client.command(owner, id, { $case: "kickMember", value: { guildId: id, userId: victim.id } });
        return;
      case 1:
      case 2:
        await client.command(undefined, id, {
          $case: "addPeople",
          value: AddPeople.fromPartial({ guildId: id, people: [victim] }),
        });
        return;
      case 3: {
        const value = { channelId: secret, overwriteId: victim.id };
        await client.command(owner, 0n, { $case: "deleteOverwrite", value });
        return;
      }
      default: {
        const overwrite = { id: victim.id, type: 1, allow: 0n, deny: viewChannel };
        await client.command(owner, 0n, { $case: "putOverwrite", value: { channelId: secret, overwrite } });
      }
    }
  }

  readRegister(): Promise<void> {
    const { guild, random } = this.#options;
    return this.#read(random.pick(guild.people), { kind: "channel", channelId: guild.register });
  }

  readSecret(): Promise<void> {
    const { guild } = this.#options;
    return this.#read(guild.victim, { kind: "channel", channelId: guild.secret });
  }

  readHistory(): Promise<void> {
    const { guild, random } = this.#options;
    return this.#read(random.pick(guild.people), { kind: "history", channelId: guild.general });
  }

  async #read(asker: Profile, what: ReadWhat): Promise<void> {
    const { client, guild, evidence } = this.#options;
    const { channelId } = what;
    const beganMs = evidence.nowMs;
    const outcome: Outcome<unknown> = await client.read(
      asker,
      0n,
      what.kind === "channel"
        ? { $case: "getChannel", value: { channelId } }
        : { $case: "listMessages", value: { channelId, before: 0n, after: 0n, around: 0n, limit: 100 } },
    );
    // What was not answered says nothing.
    if (outcome.is !== "done" && outcome.is !== "rejected") return;
    const answer = outcome.is === "done" ? { json: outcome.value } : { code: outcome.code };
    evidence.reads.push({ guildId: guild.id, asker: asker.id, what, beganMs, endedMs: evidence.nowMs, answer });
  }
}

const noEdit = {
  type: undefined,
  topic: undefined,
  parentId: undefined,
  nsfw: undefined,
  rateLimitPerUser: undefined,
  bitrate: undefined,
  userLimit: undefined,
  position: undefined,
  overwrites: undefined,
};
