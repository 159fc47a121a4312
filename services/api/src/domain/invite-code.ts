/** Letters and digits: 62 to the 8th codes. */
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Length of an invite's code. */
const codeLength = 8;

/** Makes an invite's code; `randomBelow(n)` gives a uniform, unpredictable whole number from 0 up to n. */
export function makeInviteCode(randomBelow: (limit: number) => number): string {
  let code = "";
  for (let at = 0; at < codeLength; at++) code += alphabet[randomBelow(alphabet.length)];
  return code;
}
