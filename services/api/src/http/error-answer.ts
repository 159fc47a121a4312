import { errorTable, type FieldError, type GuildhallError } from "@guildhall/errors";
import { type Answer, jsonAnswer } from "./answer.ts";

/** An answer with the headers that its error asks for. */
export interface ErrorAnswer extends Answer {
  readonly headers: Readonly<Record<string, string>>;
}

/** What discord.py and JDA want to see on a 429, to believe that it is the platform's own. */
export const viaHeader = "1.1 guildhall";

const defaultRetryMs = 1000;

/** Renders an error as Discord does. The error's own text stays inside; clients get that of the table. */
export function errorAnswer(error: GuildhallError): ErrorAnswer {
  const { httpStatus: status, discordCode: code, message } = errorTable[error.code];
  if (error.code === "INVALID_FORM") {
    const errors = nestFields(error.fields ?? []);
    return { ...jsonAnswer(status, { message, code, errors }), headers: {} };
  }
  if (status === 429) return limitedAnswer(error, code, message);
  // 503 means that nothing was done: saying when to ask again is honest there, and only there.
  const headers = status === 503 ? { "retry-after": inSeconds(error.retryAfterMs ?? defaultRetryMs) } : {};
  return { ...jsonAnswer(status, { message, code }), headers: headers as Record<string, string> };
}

function limitedAnswer(error: GuildhallError, code: number, message: string): ErrorAnswer {
  const retryMs = error.retryAfterMs ?? defaultRetryMs;
  const body = { message, retry_after: Math.ceil(retryMs) / 1000, global: false, ...(code !== 0 && { code }) };
  const headers = { "retry-after": inSeconds(retryMs), "x-ratelimit-scope": "user", via: viaHeader };
  return { ...jsonAnswer(429, body), headers };
}

/** Whole seconds, rounded up: Retry-After knows no fractions. */
export function inSeconds(ms: number): string {
  return String(Math.max(1, Math.ceil(ms / 1000)));
}

interface CodeAndMessage {
  readonly code: string;
  readonly message: string;
}

/** Keys lead on to nodes; under `_errors`, which no field is called, stands a list. */
interface Node {
  [key: string]: Node | CodeAndMessage[];
}

/** `errors.path.to.field._errors[{code, message}]`. */
function nestFields(fields: readonly FieldError[]): Node {
  const root: Node = Object.create(null);
  for (const { path, code, message } of fields) {
    let node = root;
    for (const key of path) {
      const next = (node[key] ?? Object.create(null)) as Node;
      node[key] = next;
      node = next;
    }
    const list = (node._errors ?? []) as CodeAndMessage[];
    list.push({ code, message });
    node._errors = list;
  }
  return root;
}
