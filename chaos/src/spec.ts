/** The fleet that chaos is done to: three hosts, so that shards have somewhere to go, and three gateways. */
export function chaosSpec(): object {
  return {
    apiVersion: "guildhall.dev/v1alpha1",
    kind: "ShardSet",
    metadata: { name: "chaos" },
    spec: {
      shards: 4,
      endpoints: { host: "127.0.0.1", apiPort: 0, gatewayPort: 0 },
      log: { level: "warn", format: "Text" },
      rateLimits: "Off",
      guild: { hosts: 3 },
      // Short: clients notice by their heartbeat that a gateway hangs.
      gateway: { replicas: 3, heartbeatInterval: "2s" },
      accounts: { passwordCost: "Low" },
      resharding: { approval: "Required" },
      rebalancing: { mode: "Auto" },
    },
  };
}
