import type { Metrics } from "@guildhall/telemetry";

/** What an exchange client counts, in plain numbers: they are copied to the metrics when those are read. */
export interface ExchangeStats {
  calls: number;
  messages: number;
  lost: number;
  refused: number;
  failed: number;
}

/** Shows a client's numbers, told apart by `peer`. Disposal stops that. */
export function showExchangeStats(
  metrics: Metrics,
  peer: string,
  stats: Readonly<ExchangeStats>,
  now: () => { readonly pending: number; readonly connected: boolean },
): Disposable {
  const labels = ["peer"] as const;
  const counters = {
    calls: metrics.counter("guildhall_rpc_calls_total", "Requests made of a peer.", labels),
    messages: metrics.counter(
      "guildhall_rpc_messages_total",
      "Stream messages sent; each holds many requests.",
      labels,
    ),
    lost: metrics.counter("guildhall_rpc_streams_lost_total", "Streams to a peer that broke.", labels),
    refused: metrics.counter("guildhall_rpc_refused_total", "Requests refused here, too many waiting.", labels),
    failed: metrics.counter(
      "guildhall_rpc_unanswered_total",
      "Requests that got no reply: lost, late, cancelled.",
      labels,
    ),
  };
  const pending = metrics.gauge("guildhall_rpc_pending", "Requests that wait for a reply.", labels);
  const connected = metrics.gauge("guildhall_rpc_connected", "Streams to a peer that are up.", labels);
  const shown: ExchangeStats = { calls: 0, messages: 0, lost: 0, refused: 0, failed: 0 };
  let shownPending = 0;
  let shownConnected = 0;
  const update = () => {
    for (const key of Object.keys(counters) as (keyof ExchangeStats)[]) {
      counters[key].inc({ peer }, stats[key] - shown[key]);
      shown[key] = stats[key];
    }
    // By difference, so that several clients of one peer add up.
    const state = now();
    pending.inc({ peer }, state.pending - shownPending);
    connected.inc({ peer }, Number(state.connected) - shownConnected);
    shownPending = state.pending;
    shownConnected = Number(state.connected);
  };
  const reading = metrics.beforeRead(update);
  return {
    [Symbol.dispose]() {
      reading[Symbol.dispose]();
      pending.inc({ peer }, -shownPending);
      connected.inc({ peer }, -shownConnected);
    },
  };
}
