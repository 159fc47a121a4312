/** Protections that a test may switch off, to show that each of them is needed. */
export interface GatewayGuards {
  /** A guild is joined only when the bus has confirmed that its events come. */
  readonly confirmedJoin: boolean;
  /** After missed beats the heads of topics are asked for. */
  readonly heads: boolean;
  /** A session is claimed before it is taken over, and claims are looked at before one is resumed. */
  readonly generation: boolean;
}

/** All guards on. */
export const everyGuard: GatewayGuards = Object.freeze({ confirmedJoin: true, heads: true, generation: true });
