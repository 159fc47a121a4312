/** A stream of seeded random numbers. What one stream draws does not move another. */
export interface Random {
  /** From 0 to 1, without 1. */
  next(): number;
  /** A whole number from 0 to `count` - 1. */
  int(count: number): number;
  /** From `least` to `most`. */
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Mostly small, seldom large: exponentially distributed with this mean. */
  exponential(mean: number): number;
  /** A stream of its own for a purpose. */
  fork(purpose: string): Random;
}

/** Makes the stream of a seed and a purpose. */
export function makeRandom(seed: number, purpose = ""): Random {
  const next = sfc32(hashOf(`${seed}/${purpose}`));
  const random: Random = {
    next,
    int: (count) => Math.floor(next() * count),
    between: (least, most) => least + next() * (most - least),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
    exponential: (mean) => -mean * Math.log(1 - next()),
    fork: (name) => makeRandom(seed, `${purpose}/${name}`),
  };
  return random;
}

/** Four words from a text: FNV-1a with four beginnings, mixed. */
function hashOf(text: string): [number, number, number, number] {
  const words: [number, number, number, number] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35];
  for (let place = 0; place < text.length; place++) {
    const code = text.charCodeAt(place);
    for (let word = 0; word < 4; word++) words[word] = Math.imul((words[word] as number) ^ (code + word), 0x01000193);
  }
  return words;
}

function sfc32([first, second, third, fourth]: [number, number, number, number]): () => number {
  let [a, b, c, counter] = [first | 0, second | 0, third | 0, fourth | 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}
