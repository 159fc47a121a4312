import { errorTable, isErrorCode } from "@guildhall/errors";
import type { DiskRecord } from "../model/journal-disk.ts";
import { describe, type JournalView } from "./check-journal.ts";
import type { CommandEvidence, Evidence } from "./evidence.ts";

/**
 * `acked`: what was acked is in the journal where the ack says. `refused`: what was answered with less than "unknown" is
 * not. `internal`: nothing is answered with an error of the platform's own making. `time`: nothing was too old when it
 * came, since nothing is under way for that long here; clocks that are set make no difference.
 */
export function checkAnswers({ topics }: JournalView, evidence: Evidence): void {
  const byRequest = new Map<bigint, DiskRecord>();
  for (const records of topics.values()) {
    for (const record of records) if (record.requestId !== 0n) byRequest.set(record.requestId, record);
  }
  for (const command of evidence.commands.values()) {
    const record = byRequest.get(command.requestId);
    if (command.result !== undefined) checkAck(command, topics, record, evidence);
    else if (command.code !== undefined) checkRefusal(command, command.code, record, evidence);
  }
}

function checkAck(
  command: CommandEvidence,
  topics: JournalView["topics"],
  own: DiskRecord | undefined,
  evidence: Evidence,
): void {
  const { position } = command.result ?? {};
  if (position === undefined) {
    checkNothingDone(command, own, evidence);
    return;
  }
  const record = topics.get(position.topic)?.[Number(position.seq) - 1];
  const { body } = command.command;
  const isNonce =
    body?.$case === "createMessage" && body.value.enforceNonce && record?.nonceKey.endsWith(body.value.nonceJson);
  if (record !== undefined && (record.requestId === command.requestId || isNonce === true)) return;
  evidence.violate("acked", `${tell(command)} at seq ${position.seq}, where it is not`, [
    describe(record),
    describe(own),
  ]);
}

// They may find everything as it should be.
const withoutRecord: ReadonlySet<string | undefined> = new Set([
  "addPeople",
  "addReaction",
  "removeReaction",
  "putOverwrite",
  "startTyping",
]);

/** There was nothing to change, it said: then nothing is changed later by that command. */
function checkNothingDone(command: CommandEvidence, own: DiskRecord | undefined, evidence: Evidence): void {
  if (own === undefined && withoutRecord.has(command.command.body?.$case)) return;
  evidence.violate("acked", `${tell(command)} as if there were nothing to change`, [describe(own)]);
}

function checkRefusal(
  command: CommandEvidence,
  code: string,
  record: DiskRecord | undefined,
  evidence: Evidence,
): void {
  if (code === "INTERNAL" || !isErrorCode(code)) {
    evidence.violate("internal", `${tell(command)} with ${code}`, []);
    return;
  }
  if (code === "REQUEST_TOO_OLD") evidence.violate("time", `${tell(command)} with ${code}`, []);
  const { httpStatus } = errorTable[code];
  if (httpStatus === 504 || record === undefined) return;
  evidence.violate("refused", `${tell(command)} with ${code}, and it is in the journal`, [describe(record)]);
}

function tell({ requestId, command, beganMs, endedMs }: CommandEvidence): string {
  const times = `from ${beganMs.toFixed(3)} to ${endedMs?.toFixed(3)} ms`;
  return `request ${requestId} (${command.body?.$case}, ${times}) was answered`;
}
