import { waitFor } from "@guildhall/testing";
import { expect } from "@jest/globals";
import { type Community, join, makeCommunity } from "./people.ts";
import type { Stage } from "./stage.ts";
import { Witness } from "./witness.ts";

/** Somebody who has nothing to do with what is done to the servers, in a guild of their own. */
export interface Bystander extends AsyncDisposable {
  readonly witness: Witness;
  /** Checks that they still can post, and are shown it, in the session that they have had from the beginning. */
  check(): Promise<void>;
}

// Promised is one second; a machine that does other things at the same time is given more.
const withinMs = 5_000;

/** Puts somebody there. */
export async function makeBystander(stage: Stage): Promise<Bystander> {
  const guild: Community = await makeCommunity(stage.owner);
  await join(guild, stage.outsider);
  const { token, rest } = stage.outsider;
  const witness = await Witness.connect({ url: stage.fleet.gateway, token });
  let count = 0;
  return {
    witness,
    async check() {
      const content = `still here ${count++}`;
      await rest.post(`/channels/${guild.channelId}/messages`, { content });
      const isThere = () => witness.dispatches.some(({ d }) => (d as { content?: string }).content === content);
      await waitFor(isThere, { timeoutMs: withinMs });
      expect([witness.session, witness.resumes]).toEqual([0, 0]);
    },
    [Symbol.asyncDispose]: () => witness[Symbol.asyncDispose](),
  };
}

/** All that a 4xx must leave as it was: the stage's guild as its owner sees it. */
export async function stateOf({ owner, guild }: Stage): Promise<unknown> {
  const { rest } = owner;
  const channels = await rest.get<{ id: string; type: number }[]>(`/guilds/${guild.id}/channels`);
  const texts = channels.filter(({ type }) => type === 0);
  return {
    guild: await rest.get(`/guilds/${guild.id}`),
    channels,
    members: await rest.get(`/guilds/${guild.id}/members?limit=1000`),
    messages: await Promise.all(texts.map(({ id }) => rest.get(`/channels/${id}/messages?limit=5`))),
  };
}
