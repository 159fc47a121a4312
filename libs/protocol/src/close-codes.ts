/** The close codes of the gateway by name. */
export const closeCode = {
  UNKNOWN_ERROR: 4000,
  UNKNOWN_OPCODE: 4001,
  DECODE_ERROR: 4002,
  NOT_AUTHENTICATED: 4003,
  AUTHENTICATION_FAILED: 4004,
  ALREADY_AUTHENTICATED: 4005,
  INVALID_SEQ: 4007,
  RATE_LIMITED: 4008,
  SESSION_TIMED_OUT: 4009,
  INVALID_SHARD: 4010,
  SHARDING_REQUIRED: 4011,
  INVALID_API_VERSION: 4012,
  INVALID_INTENTS: 4013,
  DISALLOWED_INTENTS: 4014,
  TOO_MANY_SESSIONS: 4015,
  CONNECTION_REQUEST_CANCELLED: 4016,
} as const;

/** A number of `closeCode`. */
export type CloseCode = (typeof closeCode)[keyof typeof closeCode];

/** `message` is the reason sent with the close; `resumable` says whether the session may be resumed after it. */
export interface CloseCodeRow {
  readonly name: keyof typeof closeCode;
  readonly message: string;
  readonly resumable: boolean;
}

/** Every close code; after those that are not resumable the client begins a new session, or stops (4004, 4010 and above). */
export const closeCodes: Readonly<Record<CloseCode, CloseCodeRow>> = {
  4000: { name: "UNKNOWN_ERROR", message: "Unknown error.", resumable: true },
  4001: { name: "UNKNOWN_OPCODE", message: "Unknown opcode.", resumable: true },
  4002: { name: "DECODE_ERROR", message: "Error while decoding payload.", resumable: true },
  4003: { name: "NOT_AUTHENTICATED", message: "Not authenticated.", resumable: false },
  4004: { name: "AUTHENTICATION_FAILED", message: "Authentication failed.", resumable: false },
  4005: { name: "ALREADY_AUTHENTICATED", message: "Already authenticated.", resumable: false },
  4007: { name: "INVALID_SEQ", message: "Invalid seq.", resumable: false },
  4008: { name: "RATE_LIMITED", message: "Rate limited.", resumable: true },
  4009: { name: "SESSION_TIMED_OUT", message: "Session timed out.", resumable: false },
  4010: { name: "INVALID_SHARD", message: "Invalid shard.", resumable: false },
  4011: { name: "SHARDING_REQUIRED", message: "Sharding required.", resumable: false },
  4012: { name: "INVALID_API_VERSION", message: "Invalid API version.", resumable: false },
  4013: { name: "INVALID_INTENTS", message: "Invalid intent(s).", resumable: false },
  4014: { name: "DISALLOWED_INTENTS", message: "Disallowed intent(s).", resumable: false },
  4015: { name: "TOO_MANY_SESSIONS", message: "Too many sessions.", resumable: false },
  4016: { name: "CONNECTION_REQUEST_CANCELLED", message: "Connection request canceled.", resumable: false },
};
