export { type CloseCode, type CloseCodeRow, closeCode, closeCodes } from "./close-codes.ts";
export { type ErrorCodeName, type ErrorCodeRow, errorCodes, httpStatusOfCode } from "./error-codes.ts";
export { type GatewayEvent, gatewayEvents } from "./events.ts";
export {
  type IntentName,
  type IntentScope,
  intentBits,
  intentsOfEvent,
  privilegedIntents,
  validIntentsMask,
} from "./intents.ts";
export { gatewayLimits, limits } from "./limits.ts";
export { type Opcode, type OpcodeName, opcodes } from "./opcodes.ts";
export { type PermissionRow, permissionRows } from "./permission-rows.ts";
export { type RestEndpoint, restEndpoints } from "./rest-endpoints.ts";
