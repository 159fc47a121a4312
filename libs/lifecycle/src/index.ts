export { type ReadyMessage, type Running, runService, type ServiceProcess } from "./run-service.ts";
export { type Clock, systemClock, systemTimers, type Timers } from "./time.ts";
