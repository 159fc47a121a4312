import type { Role } from "../model/thing.ts";

/** Discord's role object. */
export function roleJson(role: Role): string {
  const { id, name, color, hoist, position, permissions, managed, mentionable, botId } = role;
  const tags = botId === 0n ? "" : `,"tags":{"bot_id":"${botId}"}`;
  return (
    `{"id":"${id}","name":${JSON.stringify(name)},"description":null,"color":${color},` +
    `"colors":{"primary_color":${color},"secondary_color":null,"tertiary_color":null},"hoist":${hoist},"icon":null,` +
    `"unicode_emoji":null,"position":${position},"permissions":"${permissions}","managed":${managed},` +
    `"mentionable":${mentionable},"flags":0${tags}}`
  );
}
