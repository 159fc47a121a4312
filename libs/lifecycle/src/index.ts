export {
  type FrontAnswer,
  type FrontMessage,
  type HandedSockets,
  makeHandedSockets,
  type ParentChannel,
} from "./handed-sockets.ts";
export { type ReadyMessage, type Running, runService, type ServiceProcess } from "./run-service.ts";
export { type Clock, systemClock, systemTimers, type Timers } from "./time.ts";
