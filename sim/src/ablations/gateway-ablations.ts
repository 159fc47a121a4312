import type { BusItem } from "@guildhall/proto";
import type { Ablation } from "./ablation.ts";
import type { Scene } from "./scene.ts";

/** The last event for a long time is lost on the bus: nothing follows from which a gateway would see that. */
export const beats: Ablation = {
  name: "beats",
  hasGateways: true,
  off: { host: { beats: false } },
  finds: "missed",
  async play(scene) {
    await scene.listens(["sim:gateway-0"]);
    await scene.pass(2_000);
    loseOnce(scene, isEvent);
    await scene.done("it is done", scene.send(scene.message("last", "router-0")));
    await scene.pass(5_000);
  },
};

/** And so is the beat that names it: that a number is missing is all that can be seen. */
export const heads: Ablation = {
  name: "heads",
  hasGateways: true,
  off: { gateway: { heads: false } },
  finds: "missed",
  async play(scene) {
    await scene.listens(["sim:gateway-0"]);
    await scene.pass(2_000);
    loseOnce(scene, isEvent, isBeatOf);
    await scene.done("it is done", scene.send(scene.message("last", "router-0")));
    await scene.pass(5_000);
  },
};

/**
 * A subscription takes a while. What happens after the guild was read, and before its events come, is in neither. That is
 * seen by the next beat, too.
 */
export const confirmedJoin: Ablation = {
  name: "confirmed join and beats",
  hasGateways: true,
  off: { gateway: { confirmedJoin: false }, host: { beats: false } },
  each: [{ gateway: { confirmedJoin: false } }, { host: { beats: false } }],
  finds: "missed",
  async play(scene) {
    scene.world.weather.subscribeMs = 500;
    await scene.listens(["sim:gateway-0"]);
    await scene.done("it is done", scene.send(scene.message("between", "router-0")));
    await scene.pass(5_000);
  },
};

/**
 * A gateway is cut off from the others and from its client, and does not know that yet. The client goes on at another one,
 * which cannot ask it to let go, and comes back: what the first one thinks to have sent is something else by then.
 */
export const generation: Ablation = {
  name: "generation",
  hasGateways: true,
  off: { gateway: { generation: false } },
  finds: "missed",
  async play(scene) {
    const { network } = scene.world;
    const gateways = ["sim:gateway-0"];
    const listener = await scene.listens(gateways);
    network.block("gateway-0", "gateway-1");
    network.block("gateway-1", "gateway-0");
    const cut = network.block("listener", "gateway-0");
    const say = (content: string) => scene.done("it is done", scene.send(scene.message(content, "router-0")));
    gateways[0] = "sim:gateway-1";
    listener.leave();
    await say("meanwhile");
    await scene.until("the listener is back", () => listener.isListening);
    await say("there");
    await scene.pass(50);
    gateways[0] = "sim:gateway-0";
    listener.leave();
    await say("meanwhile");
    await say("meanwhile, too");
    cut[Symbol.dispose]();
    await scene.until("the listener is back", () => listener.isListening);
    await say("here");
    await scene.pass(1_000);
  },
};

type Pick = (item: BusItem, guildId: bigint) => boolean;

/** Loses the first item that each of these picks. */
function loseOnce({ world, guild }: Scene, ...picks: readonly Pick[]): void {
  const left = new Set(picks);
  world.weather.loser = (item) => {
    const pick = [...left].find((each) => each(item, guild.id));
    return pick !== undefined && left.delete(pick);
  };
}

const isEvent: Pick = ({ topic, of }, guildId) => topic === guildId && of?.$case === "event";

const isBeatOf: Pick = ({ of }, guildId) =>
  of?.$case === "beat" && of.value.heads.some(({ topic }) => topic === guildId);
