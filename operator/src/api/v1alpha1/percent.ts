/** How a part of the whole is written: "2%", from 1% to 100%. */
export const percentPattern = "^([1-9][0-9]?|100)%$";

/** The number before the sign, or undefined when the text is not a percentage. */
export function parsePercent(text: string): number | undefined {
  return new RegExp(percentPattern).test(text) ? Number(text.slice(0, -1)) : undefined;
}
