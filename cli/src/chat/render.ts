import { plain } from "../terminal.ts";
import type { ChatMessage } from "./rest.ts";

/** One message as lines: time and name, then the text; further lines of it stand below the first. */
export function renderMessage(message: ChatMessage, timeZone?: string): string {
  const time = new Date(message.timestamp).toLocaleTimeString("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  const name = plain(message.author.global_name ?? message.author.username);
  const [first = "", ...others] = message.content.split("\n").map(plain);
  const indent = " ".repeat(time.length + name.length + 4);
  return [`${time}  ${name}  ${first}`, ...others.map((line) => `${indent}${line}`)].join("\n");
}
