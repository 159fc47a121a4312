/** When people may post again in channels that are slowed down. */
export interface SlowMode {
  /** Unix time in milliseconds; 0 = at once. */
  untilMs(userId: bigint, channelId: bigint): number;
  slow(entry: { readonly userId: bigint; readonly channelId: bigint; readonly untilMs: number }): void;
}

const maxSlow = 10_000;

/** Makes that of a topic: the last 10,000 who posted. */
export function makeSlowMode(): SlowMode {
  const until = new Map<string, number>();
  return {
    untilMs: (userId, channelId) => until.get(`${userId}:${channelId}`) ?? 0,
    slow({ userId, channelId, untilMs }) {
      const key = `${userId}:${channelId}`;
      until.delete(key);
      until.set(key, untilMs);
      if (until.size <= maxSlow) return;
      for (const oldest of until.keys()) {
        until.delete(oldest);
        break;
      }
    },
  };
}
