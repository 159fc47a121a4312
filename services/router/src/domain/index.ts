export { type Bus, type BusLimits, type BusOptions, makeBus, type Subscriber } from "./bus.ts";
export type { OutboxLimits, Sink } from "./outbox.ts";
export type { Answer, Clock, ConnectHost, DataPort, HostLink, Timers } from "./ports.ts";
export { makeRouter, type Router, type RouterLimits, type RouterPorts } from "./router.ts";
export type { Verdict } from "./verdict.ts";
