/** gRPC status numbers, by the names of the gRPC specification. */
export const grpcStatus = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** How one code looks at each edge. `message` is the public text; `discordCode` 0 is Discord's general error. */
export interface ErrorRow {
  readonly grpcStatus: number;
  readonly httpStatus: number;
  readonly discordCode: number;
  readonly retry: boolean;
  readonly message: string;
}

const g = grpcStatus;
const again = true;
const final = false;

function row(grpc: number, httpStatus: number, discordCode: number, retry: boolean, message: string): ErrorRow {
  return { grpcStatus: grpc, httpStatus, discordCode, retry, message };
}

const notFound = (discordCode: number, message: string) => row(g.NOT_FOUND, 404, discordCode, final, message);
const forbidden = (discordCode: number, message: string) => row(g.PERMISSION_DENIED, 403, discordCode, final, message);
const invalid = (discordCode: number, message: string) => row(g.INVALID_ARGUMENT, 400, discordCode, final, message);
const full = (discordCode: number, message: string) => row(g.RESOURCE_EXHAUSTED, 400, discordCode, final, message);

/**
 * Every code the platform knows, closed. 503 is said only of what is certainly not journaled; an outcome that stays
 * unknown is 504. Discord's numbers and texts are those its clients match on.
 */
export const errorTable = {
  // Requests
  INVALID_FORM: invalid(50035, "Invalid Form Body"),
  MALFORMED_JSON: invalid(50109, "The request body contains invalid JSON."),
  UNAUTHORIZED: row(g.UNAUTHENTICATED, 401, 0, final, "401: Unauthorized"),
  UNKNOWN_ROUTE: row(g.UNIMPLEMENTED, 404, 0, final, "404: Not Found"),
  METHOD_NOT_ALLOWED: row(g.UNIMPLEMENTED, 405, 0, final, "405: Method Not Allowed"),
  PAYLOAD_TOO_LARGE: row(g.INVALID_ARGUMENT, 413, 40005, final, "Request entity too large"),
  RATE_LIMITED: row(g.RESOURCE_EXHAUSTED, 429, 0, again, "You are being rate limited."),
  CANCELLED: row(g.CANCELLED, 499, 0, final, "The caller has gone away"),

  // The way of a command
  UNAVAILABLE: row(g.UNAVAILABLE, 503, 0, again, "503: Service Unavailable"),
  OVERLOADED: row(
    g.RESOURCE_EXHAUSTED,
    503,
    130000,
    again,
    "API resource is currently overloaded. Try again a little later",
  ),
  DRAINING: row(g.UNAVAILABLE, 503, 0, again, "503: Service Unavailable"),
  OUTCOME_UNKNOWN: row(g.UNKNOWN, 504, 0, final, "504: Gateway Timeout"),
  STREAM_LOST: row(g.ABORTED, 504, 0, again, "504: Gateway Timeout"),
  DEADLINE_EXCEEDED: row(g.DEADLINE_EXCEEDED, 504, 0, final, "504: Gateway Timeout"),
  REQUEST_TOO_OLD: row(g.FAILED_PRECONDITION, 504, 0, final, "504: Gateway Timeout"),
  QUEUE_FULL: row(g.RESOURCE_EXHAUSTED, 503, 0, again, "503: Service Unavailable"),
  NOT_OWNER: row(g.FAILED_PRECONDITION, 503, 0, again, "503: Service Unavailable"),
  FENCED: row(g.ABORTED, 503, 0, final, "503: Service Unavailable"),
  JOURNAL_GAP: row(g.ABORTED, 503, 0, final, "503: Service Unavailable"),
  JOURNAL_UNAVAILABLE: row(g.UNAVAILABLE, 503, 0, again, "503: Service Unavailable"),
  STORE_UNAVAILABLE: row(g.UNAVAILABLE, 503, 0, again, "503: Service Unavailable"),
  DIRECTORY_UNAVAILABLE: row(g.UNAVAILABLE, 503, 0, again, "503: Service Unavailable"),
  ID_CLOCK_AHEAD: row(g.UNAVAILABLE, 503, 0, again, "503: Service Unavailable"),
  WORKER_IDS_EXHAUSTED: row(g.RESOURCE_EXHAUSTED, 503, 0, again, "503: Service Unavailable"),
  TOO_OLD: row(g.OUT_OF_RANGE, 500, 0, final, "500: Internal Server Error"),
  NOT_A_MEMBER: forbidden(50001, "Missing Access"),

  // Processes
  BAD_CONFIG: row(g.INVALID_ARGUMENT, 500, 0, final, "500: Internal Server Error"),
  BAD_SPEC: invalid(0, "400: Bad Request"),
  REFUSED: row(g.FAILED_PRECONDITION, 409, 0, final, "409: Conflict"),
  STATE_VERSION: row(g.FAILED_PRECONDITION, 500, 0, final, "500: Internal Server Error"),
  PORT_TAKEN: row(g.ALREADY_EXISTS, 500, 0, final, "500: Internal Server Error"),
  INTERNAL: row(g.INTERNAL, 500, 0, final, "500: Internal Server Error"),

  // Discord: unknown things
  UNKNOWN_ACCOUNT: notFound(10001, "Unknown Account"),
  UNKNOWN_APPLICATION: notFound(10002, "Unknown Application"),
  UNKNOWN_CHANNEL: notFound(10003, "Unknown Channel"),
  UNKNOWN_GUILD: notFound(10004, "Unknown Guild"),
  UNKNOWN_INVITE: notFound(10006, "Unknown Invite"),
  UNKNOWN_MEMBER: notFound(10007, "Unknown Member"),
  UNKNOWN_MESSAGE: notFound(10008, "Unknown Message"),
  UNKNOWN_OVERWRITE: notFound(10009, "Unknown Permission Overwrite"),
  UNKNOWN_ROLE: notFound(10011, "Unknown Role"),
  UNKNOWN_TOKEN: notFound(10012, "Unknown Token"),
  UNKNOWN_USER: notFound(10013, "Unknown User"),
  UNKNOWN_EMOJI: notFound(10014, "Unknown Emoji"),
  UNKNOWN_WEBHOOK: notFound(10015, "Unknown Webhook"),
  UNKNOWN_SESSION: notFound(10020, "Unknown Session"),
  UNKNOWN_BAN: notFound(10026, "Unknown Ban"),
  UNKNOWN_VOICE_STATE: notFound(10065, "Unknown Voice State"),

  // Discord: who may
  USERS_ONLY: forbidden(20001, "Bots cannot use this endpoint"),
  BOTS_ONLY: forbidden(20002, "Only bots can use this endpoint"),
  OWNER_ONLY: forbidden(20018, "Only the owner of this account can perform this action"),
  SLOWMODE: row(g.RESOURCE_EXHAUSTED, 429, 20016, again, "This action cannot be performed due to slowmode rate limit"),
  USER_BANNED: forbidden(40007, "The user is banned from this guild."),
  MISSING_ACCESS: forbidden(50001, "Missing Access"),
  CANNOT_EXECUTE_ON_DM: forbidden(50003, "Cannot execute action on a DM channel"),
  CANNOT_EDIT_OTHER_AUTHOR: forbidden(50005, "Cannot edit a message authored by another user"),
  CANNOT_MESSAGE_USER: forbidden(50007, "Cannot send messages to this user"),
  MISSING_PERMISSIONS: forbidden(50013, "Missing Permissions"),
  SYSTEM_MESSAGE: forbidden(50021, "Cannot execute action on a system message"),
  MFA_REQUIRED: forbidden(60003, "Two factor is required for this operation"),
  REACTION_BLOCKED: forbidden(90001, "Reaction was blocked"),

  // Discord: limits
  MAX_GUILDS: full(30001, "Maximum number of guilds reached (100)"),
  MAX_FRIENDS: full(30002, "Maximum number of friends reached (1000)"),
  MAX_PINS: full(30003, "Maximum number of pins reached for the channel (250)"),
  MAX_RECIPIENTS: full(30004, "Maximum number of recipients reached (10)"),
  MAX_ROLES: full(30005, "Maximum number of guild roles reached (250)"),
  MAX_REACTIONS: full(30010, "Maximum number of reactions reached (20)"),
  MAX_CHANNELS: full(30013, "Maximum number of guild channels reached (500)"),
  MAX_INVITES: full(30016, "Maximum number of invites reached (1000)"),
  MAX_MEMBERS: full(30019, "Maximum number of server members reached"),
  MAX_OVERWRITES: full(30060, "Maximum number of channel permission overwrites reached (1000)"),

  // Discord: what is wrong with it
  ONE_PARENT_CHANGE: invalid(40009, "Only one channel can change its parent per request"),
  TARGET_NOT_IN_VOICE: invalid(40032, "Target user is not connected to voice."),
  INVALID_ACCOUNT_TYPE: invalid(50002, "Invalid account type"),
  EMPTY_MESSAGE: invalid(50006, "Cannot send an empty message"),
  NOT_TEXT_CHANNEL: invalid(50008, "Cannot send messages in a non-text channel"),
  INVALID_TOKEN: row(g.UNAUTHENTICATED, 401, 50014, final, "Invalid authentication token provided"),
  BULK_DELETE_COUNT: invalid(
    50016,
    "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete",
  ),
  PIN_IN_OTHER_CHANNEL: invalid(50019, "A message can only be pinned to the channel it was sent in"),
  INVITE_CODE_TAKEN: invalid(50020, "Invite code was either invalid or taken"),
  INVALID_CHANNEL_TYPE: invalid(50024, "Cannot execute action on this channel type"),
  INVALID_ROLE: invalid(50028, "Invalid Role"),
  INVALID_RECIPIENTS: invalid(50033, "Invalid Recipient(s)"),
  BULK_DELETE_TOO_OLD: invalid(50034, "A message provided was too old to bulk delete"),
  INVALID_API_VERSION: invalid(50041, "Invalid API version provided"),
  FILE_TOO_LARGE: row(g.INVALID_ARGUMENT, 413, 50045, final, "File uploaded exceeds the maximum size"),
  OWNER_CANNOT_LEAVE: invalid(50055, "Invalid Guild"),
  ARCHIVED_THREAD: invalid(50083, "Tried to perform an operation on an archived thread"),
  NO_SUCH_TAG: invalid(80004, "No users with DiscordTag exist"),
  REPLY_NEEDS_HISTORY: invalid(160002, "Cannot reply without permission to read message history"),
} as const satisfies Record<string, ErrorRow>;

/** A code of `errorTable`. */
export type ErrorCode = keyof typeof errorTable;

/** Whether text (a code that came over the wire) is a code of `errorTable`. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorTable, text);
}
