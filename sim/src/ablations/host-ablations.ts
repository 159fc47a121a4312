import { CreateMessage } from "@guildhall/proto";
import type { ReadWhat } from "../checks/evidence.ts";
import type { Ablation } from "./ablation.ts";
import type { Scene } from "./scene.ts";

const viewChannel = 1n << 10n;

/**
 * A host sends a record, and its machine stands still. The record is on its way for so long that another host has taken
 * over when it arrives, and has not written to the guild yet: so its seq is the next one.
 */
export const fencing: Ablation = {
  name: "fencing",
  off: { data: { fencing: false } },
  finds: "one owner",
  async play(scene) {
    const { network, machines } = scene.world;
    const held = network.block("guild-0", "data-0");
    const late = scene.send(scene.message("late", "guild-0"));
    await scene.pass(20);
    machines.at("guild-0").pause("frozen");
    await scene.takeOver("guild-1", "guild-0");
    await scene.shown(history(scene));
    held[Symbol.dispose]();
    await scene.pass(500);
    machines.at("guild-0").resume();
    await scene.done("its sender is answered", late);
    await scene.shown(history(scene));
  },
};

/** A host that the coordinator cannot reach answers by permissions that its successor has taken away. */
export const readCheck: Ablation = {
  name: "read check",
  off: { host: { readCheck: false } },
  finds: "reads",
  async play(scene) {
    const { owner, victim, secret } = scene.guild;
    const secretly = { kind: "channel", channelId: secret } as const;
    await scene.done("it is shown at first", scene.read(secretly, victim, "guild-0"));
    scene.world.network.block("guild-0", "coordinator-0");
    await scene.pass(6_000);
    await scene.takeOver("guild-1", "guild-0");
    const overwrite = { id: victim.id, type: 1, allow: 0n, deny: viewChannel };
    const hide = { $case: "putOverwrite" as const, value: { channelId: secret, overwrite } };
    const requestId = scene.requestId();
    await scene.done("it is hidden", scene.send({ requestId, to: "guild-1", by: owner, body: hide }));
    await scene.pass(1);
    const answer = await scene.done("the old owner is asked", scene.read(secretly, victim, "guild-0"));
    if (answer?.$case === "notOwner") await scene.done("so is the new", scene.read(secretly, victim, "guild-1"));
  },
};

/** The answer to a command is lost, the store has it by then, and it is sent again. */
export const retryTable: Ablation = {
  name: "retry table",
  off: { host: { retryTable: false } },
  finds: "once",
  async play(scene) {
    const command = scene.message("once", "router-0", { isLost: true });
    await scene.done("it is done", scene.send(command));
    await scene.pass(3_000);
    await scene.done("it is answered", scene.send({ ...command, isLost: false }));
  },
};

/** The same, with another host: what the store has is in no replay. */
export const retryWindow: Ablation = {
  name: "retry window",
  off: { host: { retryWindow: false } },
  finds: "once",
  async play(scene) {
    const command = scene.message("once", "router-0", { isLost: true });
    await scene.done("it is done", scene.send(command));
    await scene.pass(60_000);
    scene.world.machines.crash("guild-0");
    await scene.takeOver("guild-1", "guild-0");
    await scene.done("it is answered", scene.send({ ...command, isLost: false }));
  },
};

/** A message with an enforced nonce is sent by somebody who asks anew, minutes later, and at another host. */
export const nonceWindow: Ablation = {
  name: "retry window, by nonce",
  off: { host: { retryWindow: false } },
  finds: "once",
  async play(scene) {
    const { general: channelId, owner: by } = scene.guild;
    const value = CreateMessage.fromPartial({ channelId, content: "once", enforceNonce: true, nonceJson: '"n"' });
    const send = (isLost: boolean) =>
      scene.send({
        ...{ requestId: scene.requestId(), to: "router-0", by, isLost },
        body: { $case: "createMessage", value },
      });
    await scene.done("it is done", send(true));
    await scene.pass(240_000);
    scene.world.machines.crash("guild-0");
    await scene.takeOver("guild-1", "guild-0");
    await scene.done("it is answered", send(false));
  },
};

/** A host whose machine stood still for a while is behind in time, and takes over from one that was not. */
export const idRule: Ablation = {
  name: "id rule",
  off: { host: { idRule: false } },
  finds: "ids",
  async play(scene) {
    const { machines } = scene.world;
    machines.at("guild-1").pause("frozen");
    await scene.pass(2_500);
    machines.at("guild-1").resume();
    await scene.done("it is done", scene.send(scene.message("before", "guild-0")));
    machines.crash("guild-0");
    await scene.takeOver("guild-1", "guild-0");
    await scene.done("it is done", scene.send(scene.message("after", "guild-1")));
    await scene.shown(history(scene));
  },
};

/** Where the journal is a log that takes what it is sent: a host whose range has gone to another does not know of that. */
export const confirm: Ablation = {
  name: "confirming",
  journal: "confirming",
  off: { confirming: { confirm: false } },
  finds: "acked",
  async play(scene) {
    await scene.takeOver("guild-1", "guild-0");
    const answer = await scene.done("the old owner is asked", scene.send(scene.message("late", "guild-0")));
    if (answer?.$case === "notOwner") await scene.answered();
  },
};

function history({ guild }: Scene): ReadWhat {
  return { kind: "history", channelId: guild.general };
}
