import {
  type Command,
  type CommandResult,
  type Read,
  RouterServiceService,
  type TopicReply,
  type TopicRequest,
} from "@guildhall/proto";
import { createRpcServer, serveExchange } from "@guildhall/rpc";

/** What reached a small router. */
interface Seen {
  readonly topic: bigint;
  readonly timeoutMs: number;
  readonly command?: Command;
  readonly read?: Read;
}

/** A small `router`: keeps what it is asked, and answers as told. */
export interface SmallRouter extends AsyncDisposable {
  readonly seen: Seen[];
  /** The last command or read. */
  last(): Seen;
  /** How commands are answered; default 200 {}. What is thrown is the failure. */
  onCommand: (command: Command) => Partial<CommandResult> | Promise<Partial<CommandResult>>;
  /** How reads are answered, as a value that becomes JSON; default {}. */
  onRead: (read: Read) => unknown;
}

const okay = { position: { topic: 1n, epoch: 1, seq: 1n }, status: 200, json: Buffer.from("{}") };

async function answer(router: SmallRouter, { body, topic, timeoutMs }: TopicRequest): Promise<TopicReply["body"]> {
  if (body?.$case === "command") {
    router.seen.push({ topic, timeoutMs, command: body.value });
    return { $case: "command", value: { ...okay, ...(await router.onCommand(body.value)) } };
  }
  if (body?.$case !== "read") throw new Error("only commands and reads are served");
  router.seen.push({ topic, timeoutMs, read: body.value });
  const json = Buffer.from(JSON.stringify(await router.onRead(body.value)));
  return { $case: "read", value: { of: { $case: "json", value: json } } };
}

/** Starts it at `address`. */
export async function startSmallRouter(address: string): Promise<SmallRouter> {
  const unserved = () => {
    throw new Error("not served");
  };
  const exchange = serveExchange<TopicRequest, TopicReply>({
    limit: { inFlight: 10_000 },
    handle: (request) => answer(router, request),
  });
  const handlers = { exchange, subscribe: unserved, publish: unserved };
  const server = await createRpcServer({ address, services: [[RouterServiceService, handlers]], drainTimeoutMs: 1 });
  const router: SmallRouter = {
    seen: [],
    last() {
      const last = router.seen.at(-1);
      if (last === undefined) throw new Error("nothing was asked");
      return last;
    },
    onCommand: () => ({}),
    onRead: () => ({}),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return router;
}
