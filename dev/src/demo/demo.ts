import { readJsonFile } from "../state/json-file.ts";

/** Somebody to log in as. */
export interface DemoPerson {
  readonly id: string;
  readonly token: string;
  readonly login: string;
  readonly password: string;
}

/** What a new fleet has to try it with: a guild, two people, a bot. */
export interface Demo {
  readonly guildId: string;
  readonly channelId: string;
  readonly owner: DemoPerson;
  readonly member: DemoPerson;
  readonly bot: { readonly applicationId: string; readonly id: string; readonly token: string };
}

/** As far as it has been made: kept after each step, so that a start that was broken off is gone on with. */
export type DemoSoFar = { -readonly [Key in keyof Demo]?: Demo[Key] } & { isPopulated?: boolean };

/** The demo that the file keeps, or undefined when it is not finished. */
export function readDemo(file: string): Demo | undefined {
  const { guildId, channelId, owner, member, bot, isPopulated } = readDemoSoFar(file);
  if (!guildId || !channelId || !owner || !member || !bot || !isPopulated) return undefined;
  return { guildId, channelId, owner, member, bot };
}

/** What the file keeps of a demo. */
export function readDemoSoFar(file: string): DemoSoFar {
  return (readJsonFile(file) as DemoSoFar | undefined) ?? {};
}
