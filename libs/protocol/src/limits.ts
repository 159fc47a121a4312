import gateway from "../data/gateway.json" with { type: "json" };
import rest from "../data/rest.json" with { type: "json" };

/** The limits of the REST API; units are in the names, texts are counted in characters. */
export const limits = rest.limits;

/** The limits of the gateway; units are in the names. */
export const gatewayLimits = gateway.limits;
