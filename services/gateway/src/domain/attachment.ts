import type { View } from "@guildhall/visibility";
import type { RecordOwner } from "./dispatch-log.ts";
import type { Listeners } from "./roster.ts";
import type { Session } from "./session.ts";

/** What a topic is about. */
export type TopicKind = "guild" | "user";

/** A topic as its sessions know it. */
export interface AttachedTopic extends RecordOwner {
  readonly kind: TopicKind;
  readonly id: bigint;
  /** The seq of the last event applied. */
  readonly seq: number;
  /** The roles of a member with sessions here; none in a user topic. */
  rolesOf(userId: bigint): readonly bigint[];
  /** The session leaves the topic. */
  detach(attachment: Attachment): void;
  /** The session has a link again. */
  link(attachment: Attachment): void;
  /** The session has lost its link. */
  cut(attachment: Attachment): void;
}

/** `to` of an attachment that lasts: a small integer, which costs no object of its own as Infinity would. */
export const lasting = -1;

/** That a session follows a topic: the records of the topic with `from` < index <= `to` concern it. */
export interface Attachment {
  readonly session: Session;
  readonly topic: AttachedTopic;
  /** In a guild: the member; in a user topic: undefined. */
  readonly member: Member | undefined;
  readonly from: number;
  /** `lasting`, or the log's index when it ended. */
  to: number;
  /** The list it is in while the session has a link, and its place there. */
  listeners: Listeners | undefined;
  place: number;
}

// Lists shorter than this are as long as their contents: there are very many of them, most of one item.
const exactLength = 4;

/** Adds to a list that is mostly very short; returns the list to go on with. */
export function withItem<T>(list: T[], item: T): T[] {
  if (list.length < exactLength) return [...list, item];
  list.push(item);
  return list;
}

/** Takes an item out of a list; the others may change places. */
export function takeOut<T>(list: T[], item: T): void {
  const place = list.indexOf(item);
  const last = list.pop();
  if (place < 0 && last !== undefined) list.push(last);
  else if (last !== undefined && place < list.length) list[place] = last;
}

/** The view a member had before the event that began at `index`. */
export interface PastView {
  readonly index: number;
  readonly before: View;
}

/** A guild member with sessions here. */
export class Member {
  readonly userId: bigint;
  view: View;
  attachments: Attachment[] = [];
  #past: PastView[] | undefined = undefined;

  constructor(userId: bigint, view: View) {
    this.userId = userId;
    this.view = view;
  }

  /** Goes over to another view; what lies below `floor` is forgotten. */
  changeView(index: number, after: View, floor: number): void {
    const past = (this.#past ?? []).filter((each) => each.index > floor);
    if (past.at(-1)?.index !== index) past.push({ index, before: this.view });
    this.#past = past;
    this.view = after;
  }

  /** The view in force once everything up to `index` had happened. */
  viewAt(index: number): View {
    const later = this.#past?.find((each) => each.index > index);
    return later === undefined ? this.view : later.before;
  }
}
