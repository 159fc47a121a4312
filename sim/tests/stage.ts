import { CreateMessage } from "@guildhall/proto";
import { checkAll } from "../src/checks/check-all.ts";
import type { Violation } from "../src/checks/evidence.ts";
import type { Listener } from "../src/clients/listener.ts";
import { createSimGuild, type SimGuild } from "../src/clients/sim-guild.ts";
import { World, type WorldOptions } from "../src/world/world.ts";

/** A moment in which somebody was answered. */
interface Answered {
  readonly guildId: bigint;
  readonly atMs: number;
  readonly code: string | undefined;
}

const sendEveryMs = 100;
const readEveryMs = 100;
const readyMs = 15_000;
const restMs = 3_000;
// As gateways have it: what comes at once after a failover closes nobody.
const queueBytes = 4 * 1024 * 1024;

/** A fleet in which people of some guilds talk all the time, so that every pause can be seen. */
export class Stage {
  readonly world: World;
  readonly guilds: SimGuild[] = [];
  readonly listeners: Listener[] = [];
  readonly acks: Answered[] = [];
  readonly reads: Answered[] = [];
  #isOn = true;

  constructor(options: Partial<WorldOptions> = {}) {
    this.world = new World({ seed: 1, shards: 4, hosts: 3, routers: 2, apis: 2, gateways: 2, queueBytes, ...options });
  }

  get nowMs(): number {
    return this.world.engine.nowMs;
  }

  /** Begins: returns once there is a guild in each shard, and its owner and a member listen. */
  async set(): Promise<this> {
    const { world } = this;
    world.start();
    const count = world.options.shards;
    for (let index = 0; index < count; index++) {
      const client = world.client(`client-${index}`);
      void createSimGuild(client, world.planGuild(2)).then((guild) => {
        this.guilds.push(guild);
        for (const [place, profile] of [guild.owner, guild.bot].entries()) {
          this.listeners.push(world.listener(`listener-${index}-${place}`, profile));
        }
        this.#talk(guild, index);
      });
    }
    await this.until(() => this.guilds.length === count && this.listeners.every(({ isListening }) => isListening));
    return this;
  }

  pass(ms: number): Promise<void> {
    return this.world.engine.run(this.nowMs + ms);
  }

  async until(isSo: () => boolean, withinMs = readyMs): Promise<void> {
    const { nowMs } = this;
    await this.world.engine.run(nowMs + withinMs, isSo);
    if (!isSo()) throw new Error(`it is not so after ${withinMs} ms`);
  }

  /** Ends the talk, lets everything come to rest, and gives what the checks find. */
  async end(): Promise<readonly Violation[]> {
    this.#isOn = false;
    await this.pass(restMs);
    const { journaled, disk, evidence } = this.world;
    checkAll(journaled, disk.store, evidence);
    return evidence.violations;
  }

  /** The longest time without an answer that was wanted, over all guilds, between two moments. */
  longestPauseMs(answers: readonly Answered[], fromMs: number, toMs = this.nowMs): number {
    let longest = 0;
    for (const { id } of this.guilds) {
      let before = fromMs;
      for (const { guildId, atMs, code } of answers) {
        if (guildId !== id || atMs < fromMs || atMs > toMs || code !== undefined) continue;
        longest = Math.max(longest, atMs - before);
        before = atMs;
      }
      longest = Math.max(longest, toMs - before);
    }
    return longest;
  }

  /** Sends and reads again and again, without waiting for answers. */
  #talk(guild: SimGuild, index: number): void {
    const sender = this.world.client(`sender-${index}`);
    const every = (
      ms: number,
      act: () => Promise<{ readonly is: string; readonly code?: string }>,
      answers: Answered[],
    ) =>
      sender.process.timers.every(ms, () => {
        if (!this.#isOn) return;
        void act().then((outcome) => {
          const code = outcome.is === "done" ? undefined : (outcome.code ?? outcome.is);
          answers.push({ guildId: guild.id, atMs: this.nowMs, code });
        });
      });
    const { owner, general: channelId } = guild;
    const value = CreateMessage.fromPartial({ channelId, content: "hello" });
    every(sendEveryMs, () => sender.command(owner, 0n, { $case: "createMessage", value }), this.acks);
    every(readEveryMs, () => sender.read(owner, 0n, { $case: "getChannel", value: { channelId } }), this.reads);
  }
}
