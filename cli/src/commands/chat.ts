import { createInterface } from "node:readline";
import { GuildhallError } from "@guildhall/errors";
import { askPassword } from "../chat/ask-password.ts";
import { LiveSession } from "../chat/live.ts";
import { renderMessage } from "../chat/render.ts";
import { type ChatMessage, type ChatRest, makeChatRest } from "../chat/rest.ts";
import type { FleetHandle } from "../fleet.ts";
import { type Output, plain } from "../terminal.ts";

/** What `chat` was asked. */
export interface ChatRequest {
  readonly login: string;
  readonly channelId: string | undefined;
  /** From the environment; undefined = the demo's, or asked for. */
  readonly password: string | undefined;
}

const historyLength = 20;

async function tokenFor(fleet: FleetHandle, rest: ChatRest, request: ChatRequest): Promise<string> {
  const { owner, member } = fleet.endpoints.demo;
  const known = [owner, member].find(({ login }) => login === request.login);
  if (request.password === undefined && known !== undefined) return known.token;
  if (request.password === undefined && !process.stdin.isTTY) {
    throw new GuildhallError("BAD_CONFIG", "set GUILDHALL_PASSWORD: there is no terminal to ask for the password on");
  }
  return rest.login(request.login, request.password ?? (await askPassword(`Password of ${request.login}: `)));
}

/** Shows a channel live and sends what is typed, until /quit or the end of input. */
export async function chat(fleet: FleetHandle, request: ChatRequest, output: Output): Promise<void> {
  let token = "";
  const rest = makeChatRest(fleet.endpoints.api, () => token);
  token = await tokenFor(fleet, rest, request);
  const channelId = request.channelId ?? fleet.endpoints.demo.channelId;
  const name = plain(await rest.channelName(channelId));
  const over = Promise.withResolvers<void>();
  const connected = Promise.withResolvers<void>();
  const show = (message: ChatMessage) => {
    if (message.channel_id === channelId) output.line(renderMessage(message));
  };
  for (const message of await rest.history(channelId, historyLength)) show(message);
  using _session = new LiveSession(fleet.endpoints.gateway, token, {
    onDispatch(type, data) {
      if (type === "MESSAGE_CREATE") show(data as ChatMessage);
    },
    onState(state) {
      if (state === "connected") {
        output.note(`connected to #${name} as ${plain(request.login)}; /quit ends`);
        connected.resolve();
      } else output.note(state);
    },
    onRefused: (reason) => over.reject(new GuildhallError("UNAUTHORIZED", reason)),
  });
  await Promise.race([connected.promise, over.promise]);
  await Promise.race([sendLines(rest, channelId, output), over.promise]);
}

/** Sends each line in order; a refused one is named and the chat goes on. */
async function sendLines(rest: ChatRest, channelId: string, output: Output): Promise<void> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  for await (const line of lines) {
    if (line.trim() === "/quit") return;
    if (line.trim() === "") continue;
    try {
      await rest.send(channelId, line);
    } catch (error) {
      output.note(`not sent: ${Error.isError(error) ? error.message : String(error)}`);
    }
  }
}
