import {
  type ChannelCredentials,
  type ClientOptions,
  credentials,
  logVerbosity,
  Metadata,
  setLogVerbosity,
} from "@grpc/grpc-js";
import { maxMessageBytes } from "./batch-codec.ts";

// Whatever it would print is also in the error or status that it gives.
setLogVerbosity(logVerbosity.NONE);

/** What clients and servers of the fleet agree on. */
export const channelOptions = {
  // A peer that hangs, or a connection cut without a word, is noticed within 13 s.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.max_receive_message_length": maxMessageBytes,
  "grpc.max_send_message_length": maxMessageBytes,
  "grpc-node.flow_control_window": 4 * 1024 * 1024,
} as const;

const clientOptions: ClientOptions = {
  ...channelOptions,
  // Only here: a server without it (grpc-js 1.14.7) forgets its sessions, and forceShutdown() ends none.
  "grpc.enable_channelz": 0,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 2_000,
  // A stream that is sent twice would do things twice; resending is decided above, by request id.
  "grpc.enable_retries": 0,
  "grpc.client_idle_timeout_ms": 2 ** 30,
  "grpc.service_config_disable_resolution": 1,
  "grpc.enable_http_proxy": 0,
};

type ClientClass<C> = new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>) => C;

/**
 * Makes one of the generated gRPC clients with the fleet's channel options. Clients of one address share a connection.
 * It connects when first used; close() it.
 */
export function makeGrpcClient<C>(clientClass: ClientClass<C>, address: string): C {
  return new clientClass(address, credentials.createInsecure(), clientOptions);
}

const processKey = "guildhall-process";

/** Metadata for a long-lived stream: it waits for its server to come up, and says whose stream it is. */
export function makeStreamMetadata(self = ""): Metadata {
  const metadata = new Metadata({ waitForReady: true });
  if (self !== "") metadata.set(processKey, self);
  return metadata;
}

/** The process that a stream's metadata names; "" when it does not. */
export function readStreamProcess(metadata: Metadata): string {
  const [value] = metadata.get(processKey);
  return typeof value === "string" ? value : "";
}
