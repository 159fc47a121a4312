import type { Socket } from "node:net";
import type { BusItem } from "@guildhall/proto";
import { type GatewayCore, type GatewayCorePorts, type GatewayGuards, makeGatewayCore } from "../../src/core/index.ts";
import type { Connection } from "../../src/transport/connection.ts";
import type { GatewaySocket } from "../../src/transport/gateway-socket.ts";
import type { Payload } from "./test-client.ts";

/** Where a gateway's frames end: a socket that takes everything at once. */
class FakeSocket {
  readonly payloads: Payload[] = [];
  closedWith: number | undefined;
  destroyed = false;
  writableLength = 0;
  onClosed: (code: number) => void = () => {};

  cork(): void {}
  uncork(): void {}

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const short = (chunk[at + 1] ?? 0) & 0x7f;
      const headBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
      const length =
        short < 126 ? short : short === 126 ? chunk.readUInt16BE(at + 2) : Number(chunk.readBigUInt64BE(at + 2));
      const text = chunk.toString("utf8", at + headBytes, at + headBytes + length);
      this.payloads.push(JSON.parse(text) as Payload);
      at += headBytes + length;
    }
  }

  close(code: number): void {
    this.end(code);
  }

  terminate(): void {
    this.end(1006);
  }

  end(code: number): void {
    if (this.closedWith !== undefined) return;
    this.closedWith = code;
    this.destroyed = true;
    this.onClosed(code);
  }
}

/** A client of a core, without a network between. */
export class CoreClient {
  readonly core: GatewayCore;
  readonly connection: Connection;
  readonly #socket = new FakeSocket();

  constructor(core: GatewayCore) {
    this.core = core;
    this.connection = core.connect(this.#socket as unknown as GatewaySocket, this.#socket as unknown as Socket);
    this.#socket.onClosed = (code) => core.closed(this.connection, code);
  }

  get payloads(): readonly Payload[] {
    return this.#socket.payloads;
  }

  get dispatches(): readonly Payload[] {
    return this.payloads.filter(({ op }) => op === 0);
  }

  /** The code that the gateway closed it with. */
  get closedWith(): number | undefined {
    return this.#socket.closedWith;
  }

  get sessionId(): string {
    const [ready] = this.dispatches;
    if (ready?.t !== "READY") throw new Error("no READY has come");
    return (ready.d as { session_id: string }).session_id;
  }

  get isRefused(): boolean {
    return this.payloads.some(({ op }) => op === 9);
  }

  get lastS(): number {
    return this.dispatches.at(-1)?.s ?? 0;
  }

  send(op: number, d: unknown): void {
    this.core.receive(this.connection, Buffer.from(JSON.stringify({ op, d })));
  }

  /** What is still on its way is lost. */
  drop(): void {
    this.#socket.end(1006);
  }
}

/** One gateway process. */
export interface CoreGateway {
  readonly tag: string;
  readonly core: GatewayCore;
  /** Items of the bus that have come in. */
  readonly take: (items: readonly BusItem[]) => void;
  readonly lost: () => void;
  readonly topics: Set<bigint>;
  isAlive: boolean;
  /** Others cannot reach it, nor can it be told. */
  isCutOff: boolean;
  /** How late the bus is here. */
  lagMs: number;
  /** Items of the bus that are lost here next. */
  dropNext: number;
  /** When the last item comes in that is on its way. */
  busyUntilMs: number;
}

/** Makes a process of a core; its bus is what `confirm` says. */
export function makeCoreGateway(
  ports: Omit<GatewayCorePorts, "subscribe">,
  confirm: () => Promise<void>,
  guards?: GatewayGuards,
): CoreGateway {
  const topics = new Set<bigint>();
  let take: CoreGateway["take"] = () => {};
  let lost: CoreGateway["lost"] = () => {};
  const core = makeGatewayCore(
    {
      ...ports,
      subscribe(events) {
        take = (items) => events.onItems(items);
        lost = () => events.onLost();
        return {
          async subscribe(topic) {
            await confirm();
            topics.add(topic);
          },
          unsubscribe: (topic) => void topics.delete(topic),
        };
      },
    },
    guards,
  );
  const tag = ports.holder.tag;
  return {
    ...{ tag, core, topics, isAlive: true, isCutOff: false, lagMs: 1, dropNext: 0, busyUntilMs: 0 },
    take: (items) => take(items),
    lost: () => lost(),
  };
}
