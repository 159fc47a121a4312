export { allPrivileges, type Bot, type BotMaker, makeBotMaker } from "./bots.ts";
export { type FleetChanges, startFleet, type TestFleet, testSpec } from "./fleet.ts";
export {
  type Closed,
  type Compression,
  type Frame,
  type GatewaySocket,
  openGatewaySocket,
  type SocketOptions,
} from "./gateway-socket.ts";
export {
  type Acked,
  compareWithHistory,
  compareWitness,
  messagesSeen,
  numberingProblems,
  orderProblems,
  readHistory,
} from "./history-check.ts";
export { type Load, startLoad } from "./load.ts";
export { type Community, join, makeCommunity, type Person, register } from "./people.ts";
export { type ErrorBody, makeRest, type Rest, type RestAnswer, RestError } from "./rest.ts";
export { type DataOf, type Dispatch, type EventName, Witness, type WitnessOptions } from "./witness.ts";
