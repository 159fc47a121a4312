import type { Append, Appended, AppendAnswer as WireAnswer } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import type { AppendAnswer } from "../domain/append.ts";
import { fromEpochRow, toJournalRecord } from "./convert.ts";

/** Appends records; the journal is entered before this returns, so that calls keep their order. */
export async function append({ journal, events }: DataContext, { records }: Append): Promise<Appended> {
  const answers = await journal.append(records.map(toJournalRecord));
  events.appendAnswered(answers);
  return { answers: answers.map(fromAnswer), commitMicros: Math.ceil(journal.lastCommitMs * 1_000) };
}

function fromAnswer(answer: AppendAnswer): WireAnswer {
  switch (answer.kind) {
    case "stored":
      return { of: { $case: "stored", value: { position: answer.position } } };
    case "fenced":
      return { of: { $case: "fenced", value: { owner: answer.owner && fromEpochRow(answer.owner) } } };
    case "gap":
      return { of: { $case: "gap", value: { last: answer.last } } };
    default:
      return answer satisfies never;
  }
}
