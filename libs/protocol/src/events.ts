import gateway from "../data/gateway.json" with { type: "json" };

/** A dispatched event: who it is for, what it needs beyond an intent, and its required fields, in words. */
export interface GatewayEvent {
  readonly name: string;
  readonly tier: string;
  readonly scope: string;
  readonly intent: string;
  readonly gate: string;
  readonly fields: string;
  readonly notes: string;
}

/** Every event the gateway may dispatch. */
export const gatewayEvents: readonly GatewayEvent[] = gateway.events;
