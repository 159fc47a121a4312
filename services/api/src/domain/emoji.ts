/** What a reaction's emoji names: a unicode emoji (id 0) or a custom one. */
export interface NamedEmoji {
  readonly id: bigint;
  readonly name: string;
}

const custom = /^(?:a?:)?([A-Za-z0-9_]{2,32}):([1-9]\d{0,19})$/;
const standard = /^\p{RGI_Emoji}$/v;
const variation = "\u{fe0f}";
const needsVariation = /^\p{Emoji}$/u;
const showsAsEmoji = /^\p{Emoji_Presentation}$/u;
const skinTone = /^\p{Emoji_Modifier}$/u;

const mostId = 2n ** 63n - 1n;

// The longest emoji (a family, a flag of tags) is far shorter.
const maxUnits = 64;

/**
 * Reads the emoji of a reaction's path: `name:id`, or a unicode emoji in any spelling of its variation selectors, which
 * comes out in the one that Unicode recommends. Undefined when there is no such emoji.
 */
export function readEmoji(text: string): NamedEmoji | undefined {
  if (text.length > maxUnits) return undefined;
  const match = custom.exec(text);
  if (match !== null) return customEmoji(match[1] as string, BigInt(match[2] as string));
  const name = spellings(text).find((spelling) => standard.test(spelling));
  return name === undefined ? undefined : { id: 0n, name };
}

/** Ids are kept as signed 64-bit numbers; none that was ever made is above them. */
function customEmoji(name: string, id: bigint): NamedEmoji | undefined {
  return id > mostId ? undefined : { id, name };
}

function spellings(text: string): string[] {
  const bare = text.replaceAll(variation, "");
  return [text, bare, bare + variation, qualified(bare)];
}

/** Puts a variation selector after each sign that would be shown as text without one. */
function qualified(bare: string): string {
  const signs = [...bare];
  return signs
    .map((sign, at) => {
      const isText = needsVariation.test(sign) && !showsAsEmoji.test(sign) && !skinTone.test(signs[at + 1] ?? "");
      return isText ? sign + variation : sign;
    })
    .join("");
}
