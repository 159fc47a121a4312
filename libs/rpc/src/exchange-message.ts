/** The shape of every service's request: paired by id, one case of a closed set. */
export interface ExchangeRequest {
  id: bigint;
  traceparent: string;
  body: { $case: string; value: unknown } | undefined;
}

/** The shape of every service's reply: the id and the case of its request, or `failure`. */
export interface ExchangeReply {
  id: bigint;
  body: { $case: string; value: unknown } | undefined;
}

type BodyOf<M extends ExchangeReply> = NonNullable<M["body"]>;

/** What may be asked: the cases that request and reply share. */
export type CaseOf<Req extends ExchangeRequest, Rep extends ExchangeReply> = BodyOf<Req>["$case"] &
  BodyOf<Rep>["$case"];

/** What a case of a message carries. */
export type ValueOf<M extends ExchangeReply, C extends string> = Extract<BodyOf<M>, { $case: C }>["value"];

/** One message of an Exchange stream, from the asker. */
export interface RequestBatch<Req> {
  requests: Req[];
}

/** One message of an Exchange stream, to the asker. */
export interface ReplyBatch<Rep> {
  replies: Rep[];
}

/**
 * In the trailers of a stream that its server ended: the last request id it took. Ids rise along a stream, so what is
 * above was certainly not taken and can be sent anew.
 */
export const lastTakenKey = "guildhall-last-taken";
