import { type CloseCode, closeCode, closeCodes } from "@guildhall/protocol";

export { type CloseCode, closeCode };

/** RFC 6455, 7.4.1: this server is going away. Clients resume after it. */
export const goingAway = 1001;

/** With one of these a client ends its session; after any other code, or none, it may be resumed. */
export function endsSession(code: number): boolean {
  return code === 1000 || code === 1001;
}

/** The reason sent with a close code. */
export function reasonOf(code: CloseCode): string {
  return closeCodes[code].message;
}
