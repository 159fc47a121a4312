export { type AppendAnswer, type AppendAsk, type AppendContext, type HeldRecord, judgeAppend } from "./append.ts";
export { type Fences, makeFences } from "./fences.ts";
export { allGuards, type DataGuards } from "./guards.ts";
export {
  owningRanges,
  retriesFrom,
  type Span,
  spansToTrim,
  type TrimCandidate,
  type TrimRule,
  trimBefore,
} from "./trim.ts";
export { makeWatermarks, type RangeWatermark, type WatermarkRow, type Watermarks } from "./watermarks.ts";
