import { GuildhallError } from "@guildhall/errors";

/** A message as far as the chat shows it. */
export interface ChatMessage {
  readonly id: string;
  readonly channel_id: string;
  readonly content: string;
  readonly timestamp: string;
  readonly author: { readonly id: string; readonly username: string; readonly global_name?: string | null };
}

/** The REST calls of a chat. */
export interface ChatRest {
  login(login: string, password: string): Promise<string>;
  channelName(channelId: string): Promise<string>;
  /** Oldest first. */
  history(channelId: string, limit: number): Promise<ChatMessage[]>;
  send(channelId: string, content: string): Promise<void>;
}

const timeoutMs = 35_000;

/** Makes the calls against an api base such as http://127.0.0.1:4000/api/v10. */
export function makeChatRest(api: string, token: () => string): ChatRest {
  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let response: Response;
    try {
      response = await fetch(`${api}${path}`, {
        method,
        headers: {
          ...(token() === "" ? {} : { authorization: token() }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      throw new GuildhallError("UNAVAILABLE", `${api} does not answer; is the fleet up?`, { cause: error });
    }
    const text = await response.text();
    if (!response.ok) throw new GuildhallError("INVALID_FORM", refusal(response.status, text));
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }
  return {
    async login(login, password) {
      return (await call<{ token: string }>("POST", "/auth/login", { login, password })).token;
    },
    channelName: async (channelId) => (await call<{ name: string }>("GET", `/channels/${channelId}`)).name,
    async history(channelId, limit) {
      return (await call<ChatMessage[]>("GET", `/channels/${channelId}/messages?limit=${limit}`)).reverse();
    },
    send: (channelId, content) => call("POST", `/channels/${channelId}/messages`, { content }),
  };
}

/** What the server said, in one line. */
export function refusal(status: number, text: string): string {
  try {
    const { message, code, errors } = JSON.parse(text) as { message?: string; code?: number; errors?: object };
    const inner = errors === undefined ? "" : ` ${firstInnerMessage(errors) ?? ""}`;
    return `${message ?? "refused"}${inner} (HTTP ${status}, code ${code ?? 0})`;
  } catch {
    return `refused (HTTP ${status})`;
  }
}

function firstInnerMessage(errors: object): string | undefined {
  for (const [key, value] of Object.entries(errors)) {
    if (key === "_errors" && Array.isArray(value)) return (value[0] as { message?: string } | undefined)?.message;
    const found = typeof value === "object" && value !== null ? firstInnerMessage(value) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
