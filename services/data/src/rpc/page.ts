import type { Page, PageJson } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { toPageAsk } from "./convert.ts";

/** A page of history, rendered for its viewer. */
export async function page({ pages }: DataContext, request: Page): Promise<PageJson> {
  return pages.read(toPageAsk(request), request.viewerId);
}
