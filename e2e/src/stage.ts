import { validIntentsMask } from "@guildhall/protocol";
import { expect } from "@jest/globals";
import type { APIChannel, APIMessage } from "discord-api-types/v10";
import { type Bot, type BotMaker, makeBotMaker } from "./bots.ts";
import { type FleetChanges, startFleet, type TestFleet } from "./fleet.ts";
import { type Community, join, makeCommunity, type Person, register } from "./people.ts";
import type { ErrorBody, Rest, RestAnswer } from "./rest.ts";
import { eventProblems } from "./shapes.ts";
import { type Dispatch, Witness, type WitnessOptions } from "./witness.ts";

/** A fleet with a guild in it: its owner, a member without a role, somebody outside, and a bot that sees everything. */
export interface Stage extends AsyncDisposable {
  readonly fleet: TestFleet;
  readonly rest: Rest;
  readonly bots: BotMaker;
  readonly owner: Person;
  readonly member: Person;
  readonly outsider: Person;
  readonly bot: Bot;
  readonly guild: Community;
  /** The bot's session, with all intents. */
  readonly witness: Witness;
  /** Makes a session that ends with the stage. */
  watch(options: Omit<WitnessOptions, "url">): Promise<Witness>;
  /** Does something and returns the events that a witness (the bot's, when none is said) got of it in the guild. */
  eventsOf(act: () => Promise<unknown>, witness?: Witness): Promise<readonly Dispatch[]>;
  /** Does something and checks the names of the bot's events, and each one's keys. */
  expectEvents(act: () => Promise<unknown>, names: readonly string[], witness?: Witness): Promise<readonly Dispatch[]>;
  /** Makes a text channel. */
  channel(options?: object): Promise<APIChannel>;
  /** Lets the owner post into the guild's first channel, or another one. */
  post(content: string, channelId?: string): Promise<APIMessage>;
  newcomer(stem?: string): Promise<Person>;
}

const administrator = 1n << 3n;

function idOf(data: unknown): string {
  return (data as { id: string }).id;
}

/** Starts a fleet and fills it. */
export async function setStage(changes: FleetChanges = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const fleet = stack.use(await startFleet(changes));
  const bots = stack.use(await makeBotMaker(fleet));
  const { rest } = fleet;
  const [owner, member, outsider] = await Promise.all(
    ["owner", "member", "outsider"].map((stem) => register(rest, stem)),
  );
  if (owner === undefined || member === undefined || outsider === undefined) throw new Error("nobody registered");
  const guild = await makeCommunity(owner, [member]);
  const bot = await bots.make(owner);
  await bots.add(bot, guild, administrator);
  const all = { token: bot.token, intents: validIntentsMask };
  const witness = stack.use(await Witness.connect({ url: fleet.gateway, ...all }));
  const post = (content: string, channelId = guild.channelId): Promise<APIMessage> =>
    owner.rest.post(`/channels/${channelId}/messages`, { content });
  // Everything of a guild comes in one order: what had to come before has come when a message posted now has.
  const fence = async (who: Witness): Promise<number> => {
    const { id } = await post("fence");
    await who.next("MESSAGE_CREATE", (message) => message.id === id);
    return who.dispatches.findIndex(({ t, d }) => t === "MESSAGE_CREATE" && idOf(d) === id);
  };
  const eventsOf = async (act: () => Promise<unknown>, who = witness): Promise<readonly Dispatch[]> => {
    const from = await fence(who);
    await act();
    return who.dispatches.slice(from + 1, await fence(who));
  };
  const owned = stack.move();
  return {
    fleet,
    rest,
    bots,
    owner,
    member,
    outsider,
    bot,
    guild,
    witness,
    watch: async (options) => owned.use(await Witness.connect({ url: fleet.gateway, ...options })),
    eventsOf,
    async expectEvents(act, names, who) {
      const events = await eventsOf(act, who);
      expect(events.map(({ t }) => t)).toEqual(names);
      expect(events.flatMap(({ t, d }) => eventProblems(t, d))).toEqual([]);
      return events;
    },
    channel: (options = {}) => owner.rest.post(`/guilds/${guild.id}/channels`, { name: "made-for-a-test", ...options }),
    post,
    async newcomer(stem = "newcomer") {
      const person = await register(rest, stem);
      await join(guild, person);
      return person;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Checks that a request was refused, and how. */
export function expectRefusal(answer: RestAnswer, status: number, code: number): void {
  expect({ status: answer.status, code: (answer.body as ErrorBody | undefined)?.code }).toEqual({ status, code });
  expect(answer.headers["content-type"]).toBe("application/json");
}

/** Checks that a form was refused at just one field, with an inner code. */
export function expectFormError(answer: RestAnswer, path: readonly string[], innerCode: string): void {
  expectRefusal(answer, 400, 50035);
  let at = (answer.body as { errors: Record<string, unknown> }).errors;
  for (const key of path) {
    expect(Object.keys(at)).toEqual([key]);
    at = at[key] as Record<string, unknown>;
  }
  expect(at._errors).toEqual([{ code: innerCode, message: expect.any(String) }]);
}
