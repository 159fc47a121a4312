import type { Ablation } from "./ablation.ts";
import type { Scene } from "./scene.ts";

/** A host goes on deciding after it has told the receiver how everything ends, and before the receiver's EPOCH. */
export const seal: Ablation = {
  name: "seal",
  off: { host: { seal: false } },
  finds: "reads",
  async play(scene) {
    const { network, hosts } = scene.world;
    const moveId = orderMove(scene);
    await scene.until("the receiver prepares", () => hosts.get("guild-1")?.sizes().coming === 1);
    // The receiver's EPOCH takes a while.
    network.slow("guild-1", "data-0", 15);
    const sent: Promise<unknown>[] = [];
    while (!scene.hasMoved(moveId)) {
      sent.push(scene.send(scene.rename(`v${sent.length + 1}`, "guild-0")));
      await scene.pass(3);
    }
    await scene.done("all are answered", Promise.all(sent));
    await scene.shown({ kind: "channel", channelId: scene.guild.register });
  },
};

/**
 * A move is given up, and its receiver hears nothing of that. What is stored then is in no copy. Another move begins
 * while the receiver still has what it was sent for the first.
 */
export const moveId: Ablation = {
  name: "move id",
  off: { host: { moveId: false } },
  finds: "once",
  async play(scene) {
    const { network, weather, hosts } = scene.world;
    weather.commitMs = 200;
    for (let sent = 0; sent < 4; sent++) await scene.done("it is done", scene.send(scene.message("slow", "guild-0")));
    weather.clear();
    const first = orderMove(scene);
    await scene.until("the receiver prepares", () => hosts.get("guild-1")?.sizes().coming === 1);
    await scene.pass(50);
    const slow = network.slow("guild-0", "guild-1", 60_000);
    await scene.until("the first move is given up", () => scene.orders.hasEnded(first));
    slow[Symbol.dispose]();
    network.reset("guild-0", "guild-1");
    const between = scene.message("between", "guild-0", { isLost: true });
    await scene.done("it is done", scene.send(between));
    const second = orderMove(scene);
    await scene.until("the second is done", () => scene.hasMoved(second));
    await scene.done("it is answered", scene.send({ ...between, to: "router-0", isLost: false }));
  },
};

/** Orders the first host to hand everything over to the second. */
function orderMove(scene: Scene): string {
  const name = "guild-1";
  return scene.orders.move("guild-0", { name, address: `sim:${name}`, incarnation: scene.incarnation(name) });
}
