import type { DataReply, DataRequest } from "@guildhall/proto";
import type { DataContext } from "../context.ts";
import { append } from "./append.ts";
import { apply } from "./apply.ts";
import { backup } from "./backup.ts";
import { badRequest } from "./convert.ts";
import { countTopics } from "./count-topics.ts";
import { findDirectory } from "./find-directory.ts";
import { listMemberRows } from "./list-member-rows.ts";
import { loadGuild } from "./load-guild.ts";
import { loadMembers } from "./load-members.ts";
import { loadMessages } from "./load-messages.ts";
import { page } from "./page.ts";
import { putDirectory } from "./put-directory.ts";
import { readEpochs } from "./read-epochs.ts";
import { readHeads } from "./read-heads.ts";
import { readRetries } from "./read-retries.ts";
import { readTail } from "./read-tail.ts";
import { readTopic } from "./read-topic.ts";
import { readWatermark } from "./read-watermark.ts";
import { takeEpoch } from "./take-epoch.ts";

/** Answers one request by the handler of its case. */
export async function answer(context: DataContext, { body }: DataRequest): Promise<DataReply["body"]> {
  switch (body?.$case) {
    case "append":
      return { $case: "append", value: await append(context, body.value) };
    case "takeEpoch":
      return { $case: "takeEpoch", value: await takeEpoch(context, body.value) };
    case "readEpochs":
      return { $case: "readEpochs", value: await readEpochs(context, body.value) };
    case "readTail":
      return { $case: "readTail", value: await readTail(context, body.value) };
    case "readTopic":
      return { $case: "readTopic", value: await readTopic(context, body.value) };
    case "readRetries":
      return { $case: "readRetries", value: await readRetries(context, body.value) };
    case "readHeads":
      return { $case: "readHeads", value: await readHeads(context, body.value) };
    case "apply":
      return { $case: "apply", value: await apply(context, body.value) };
    case "readWatermark":
      return { $case: "readWatermark", value: await readWatermark(context, body.value) };
    case "loadGuild":
      return { $case: "loadGuild", value: await loadGuild(context, body.value) };
    case "loadMembers":
      return { $case: "loadMembers", value: await loadMembers(context, body.value) };
    case "listMemberRows":
      return { $case: "listMemberRows", value: await listMemberRows(context, body.value) };
    case "loadMessages":
      return { $case: "loadMessages", value: await loadMessages(context, body.value) };
    case "page":
      return { $case: "page", value: await page(context, body.value) };
    case "putDirectory":
      return { $case: "putDirectory", value: await putDirectory(context, body.value) };
    case "findDirectory":
      return { $case: "findDirectory", value: await findDirectory(context, body.value) };
    case "countTopics":
      return { $case: "countTopics", value: await countTopics(context, body.value) };
    case "backup":
      return { $case: "backup", value: await backup(context, body.value) };
    case undefined:
      throw badRequest("a request without content");
    default:
      return body satisfies never;
  }
}
