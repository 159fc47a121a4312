import type { MessageTrace } from "@guildhall/proto";
import type { FleetContext } from "../../context.ts";
import type { TraceStepView, TraceView } from "../api.ts";
import { badField, readForm, text } from "../forms.ts";
import { askGateway, askHost, namesOfPart } from "../peers.ts";
import type { Verbs } from "../verbs.ts";

const idField = text(/^\d{1,19}$/, "must be the id of a message: digits only");

/** Where a message went, and when. */
export function traceVerbs(context: FleetContext): Verbs<"trace"> {
  return {
    async trace(body) {
      const { messageId } = readForm(body, { messageId: idField });
      const id = BigInt(messageId);
      const silent: string[] = [];
      const ask = async (name: string, asked: Promise<MessageTrace>): Promise<MessageTrace[]> => {
        try {
          return [await asked];
        } catch {
          silent.push(name);
          return [];
        }
      };
      // Hosts know messages by their id; of its event they say topic and seq, by which gateways know it.
      const fromHosts = await Promise.all(
        namesOfPart(context, "guild").map((name) =>
          ask(
            name,
            askHost(context, name, (host) => host.call("trace", { messageId: id, topic: 0n, seq: 0n })),
          ),
        ),
      );
      const known = fromHosts.flat().find(({ topic, seq }) => topic !== 0n && seq !== 0n);
      if (known === undefined) throw unknown(messageId, silent);
      const { topic, seq } = known;
      const fromGateways = await Promise.all(
        namesOfPart(context, "gateway").map((name) =>
          ask(
            name,
            askGateway(context, name, (gateway) => gateway.call("trace", { messageId: id, topic, seq })),
          ),
        ),
      );
      return { topic: String(topic), seq: Number(seq), steps: stepsOf([...fromHosts, ...fromGateways].flat()), silent };
    },
  };
}

/** All steps that were told, in the order of time. */
export function stepsOf(traces: readonly MessageTrace[]): TraceView["steps"] {
  return traces
    .flatMap(({ steps }) => steps)
    .map(({ atUs, process, what, detail }): TraceStepView => ({ atUs: Number(atUs), process, what, detail }))
    .sort((a, b) => a.atUs - b.atUs);
}

function unknown(messageId: string, silent: readonly string[]): Error {
  const asked = silent.length === 0 ? "" : ` (${silent.join(", ")} did not answer)`;
  return badField("messageId", `no host knows a message ${messageId} of the time that it can look back${asked}`);
}
