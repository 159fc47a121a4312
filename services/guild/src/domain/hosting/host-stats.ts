/** What a host counts, in plain numbers that are copied to the metrics when those are read. */
export interface HostStats {
  commands: number;
  refusals: number;
  repeats: number;
  reads: number;
  joins: number;
  refills: number;
  appends: number;
  records: number;
  seals: number;
  stalls: number;
  rebuilds: number;
  outcomesUnknown: number;
  shardsLost: number;
  shardsGiven: number;
  shardsReceived: number;
  heldUp: number;
  fenceChecks: number;
  applyFailures: number;
  snapshotsRendered: number;
  snapshotsReused: number;
  ringTooOld: number;
  queueFull: number;
}

/** All zero. */
export function makeHostStats(): HostStats {
  return {
    commands: 0,
    refusals: 0,
    repeats: 0,
    reads: 0,
    joins: 0,
    refills: 0,
    appends: 0,
    records: 0,
    seals: 0,
    stalls: 0,
    rebuilds: 0,
    outcomesUnknown: 0,
    shardsLost: 0,
    shardsGiven: 0,
    shardsReceived: 0,
    heldUp: 0,
    fenceChecks: 0,
    applyFailures: 0,
    snapshotsRendered: 0,
    snapshotsReused: 0,
    ringTooOld: 0,
    queueFull: 0,
  };
}
