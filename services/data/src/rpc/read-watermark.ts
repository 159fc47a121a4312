import type { ReadWatermark, Watermark } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { toRange } from "./convert.ts";

/** How far a range is applied. */
export async function readWatermark({ store }: DataContext, { range }: ReadWatermark): Promise<Watermark> {
  return store.readWatermark(toRange(range));
}
