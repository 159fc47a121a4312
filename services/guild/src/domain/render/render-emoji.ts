/** Discord's partial emoji object of a reaction. */
export function emojiJson(emojiId: bigint, emojiName: string): string {
  return `{"id":${emojiId === 0n ? "null" : `"${emojiId}"`},"name":${JSON.stringify(emojiName)}}`;
}
