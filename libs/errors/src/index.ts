export {
  type FieldError,
  GuildhallError,
  type GuildhallErrorOptions,
  isGuildhallError,
  toGuildhallError,
} from "./error.ts";
export { type ErrorCode, type ErrorRow, errorTable, grpcStatus, isErrorCode } from "./table.ts";
