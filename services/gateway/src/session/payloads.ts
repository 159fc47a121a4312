/** INVALID_SESSION; `d` must be a boolean, and after false the client identifies anew. */
export const invalidSession = Buffer.from('{"op":9,"d":false,"s":null,"t":null}');

/** HEARTBEAT_ACK. */
export const heartbeatAck = Buffer.from('{"op":11,"d":null,"s":null,"t":null}');

/** RECONNECT: the client closes and resumes. */
export const reconnect = Buffer.from('{"op":7,"d":null,"s":null,"t":null}');

/** HELLO, with the interval in which the client is to send HEARTBEAT. */
export function hello(heartbeatIntervalMs: number): Buffer {
  const d = `{"heartbeat_interval":${heartbeatIntervalMs},"_trace":[]}`;
  return Buffer.from(`{"op":10,"d":${d},"s":null,"t":null}`);
}
