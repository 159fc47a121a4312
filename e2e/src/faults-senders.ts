import type { APIMessage } from "discord-api-types/v10";
import type { Acked } from "./history-check.ts";
import type { Rest, RestAnswer } from "./rest.ts";

/** Somebody who posts one message after another and keeps what came of each. */
export interface Sender extends AsyncDisposable {
  readonly acked: readonly Acked[];
  /** What was not acked, and how it was refused. */
  readonly refused: readonly { readonly content: string; readonly answer: RestAnswer }[];
  /** Ends after the message under way. */
  stop(): Promise<void>;
}

/** Lets somebody post into a channel until told to stop. No request is repeated. */
export function startSender(rest: Rest, channelId: string, name: string): Sender {
  const acked: Acked[] = [];
  const refused: { content: string; answer: RestAnswer }[] = [];
  let isStopped = false;
  const work = (async () => {
    for (let count = 0; !isStopped; count += 1) {
      const content = `${name} ${count} ${"x".repeat(400)}`;
      const answer = await rest.send("POST", `/channels/${channelId}/messages`, { content });
      if (answer.status === 200) acked.push({ id: (answer.body as APIMessage).id, content });
      else refused.push({ content, answer });
    }
  })();
  work.catch(() => {});
  const stop = async (): Promise<void> => {
    isStopped = true;
    await work;
  };
  return { acked, refused, stop, [Symbol.asyncDispose]: stop };
}
