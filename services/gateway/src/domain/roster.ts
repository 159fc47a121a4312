import type { View } from "@guildhall/visibility";
import type { Attachment } from "./attachment.ts";
import type { Profile } from "./profile.ts";

/** Sessions of one guild that are sent the same: one view, one profile. */
export interface Listeners {
  readonly view: View;
  readonly profile: Profile;
  readonly live: Attachment[];
}

/** The sessions of a guild that have a link, by what they are sent. */
export class Roster {
  readonly #byView = new Map<View, Listeners[]>();
  #count = 0;

  /** Sessions in it. */
  get count(): number {
    return this.#count;
  }

  /** The lists of each view. */
  views(): IterableIterator<[View, Listeners[]]> {
    return this.#byView.entries();
  }

  /** Lists an attachment under a view. It must not be listed yet. */
  add(attachment: Attachment, view: View): void {
    const { profile } = attachment.session;
    let lists = this.#byView.get(view);
    if (lists === undefined) {
      lists = [];
      this.#byView.set(view, lists);
    }
    let listeners = lists.find((each) => each.profile === profile);
    if (listeners === undefined) {
      listeners = { view, profile, live: [] };
      lists.push(listeners);
    }
    attachment.listeners = listeners;
    attachment.place = listeners.live.push(attachment) - 1;
    this.#count++;
  }

  /** Takes an attachment out, if it is listed. */
  remove(attachment: Attachment): void {
    const { listeners } = attachment;
    if (listeners === undefined) return;
    attachment.listeners = undefined;
    const last = listeners.live.pop() as Attachment;
    if (last !== attachment) {
      listeners.live[attachment.place] = last;
      last.place = attachment.place;
    }
    this.#count--;
    if (listeners.live.length > 0) return;
    const lists = (this.#byView.get(listeners.view) ?? []).filter((each) => each !== listeners);
    if (lists.length > 0) this.#byView.set(listeners.view, lists);
    else this.#byView.delete(listeners.view);
  }
}
