import type { FleetContext } from "../../context.ts";
import type { GatewayView } from "../api.ts";
import { optional, readForm, whole } from "../forms.ts";
import { askGateway, namesOfPart } from "../peers.ts";
import type { Verbs } from "../verbs.ts";
import { viewGateway } from "../views.ts";

const fewSessions = 20;

/** Who is connected where. */
export function sessionVerbs(context: FleetContext): Verbs<"sessions"> {
  return {
    async sessions(body) {
      const { limit = fewSessions } = readForm(body, { limit: optional(whole(0, 10_000)) });
      const ask = async (name: string): Promise<GatewayView> => {
        try {
          return viewGateway(
            name,
            await askGateway(context, name, (gateway) => gateway.call("describeSessions", { limit })),
          );
        } catch {
          return { gateway: name, state: "Unreachable", connected: 0, waiting: 0, adopted: 0, sessions: [] };
        }
      };
      return { gateways: await Promise.all(namesOfPart(context, "gateway").map(ask)) };
    },
  };
}
