import { GuildhallError } from "@guildhall/errors";

/** Collects work while a commit is under way and hands all of it to the next one. */
export interface GroupCommit<Op, Answer> {
  /** Adds an operation; settles with its own answer once the commit that holds it has returned. */
  add(op: Op): Promise<Answer>;
  /** Weight that waits for the next commit. */
  readonly queued: number;
}

/** How a group commits; weights are in units of the caller's choice (records, rows). */
export interface GroupCommitOptions<Op, Answer> {
  /** What is committed, for error messages. */
  readonly name: string;
  /** Commits a group; answers in order. A rejection fails every operation of the group. */
  commit(group: readonly Op[]): Promise<readonly Answer[]>;
  weightOf(op: Op): number;
  /** A group ends before it would grow beyond this (one operation always fits). */
  readonly maxGroup: number;
  /** Operations that would make more wait than this are refused with QUEUE_FULL. */
  readonly maxQueued: number;
  /** Called after each commit that succeeded. */
  onCommitted?(group: { readonly operations: number; readonly weight: number }): void;
}

interface Waiting<Op, Answer> {
  readonly op: Op;
  readonly weight: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Commits at once when no commit is under way; what arrives meanwhile forms the next group, in order of arrival. There is
 * no timer: the longer a commit takes, the larger the group after it.
 */
export function makeGroupCommit<Op, Answer>(options: GroupCommitOptions<Op, Answer>): GroupCommit<Op, Answer> {
  const { name, maxGroup, maxQueued } = options;
  let waiting: Waiting<Op, Answer>[] = [];
  let queued = 0;
  let busy = false;

  const takeGroup = (): Waiting<Op, Answer>[] => {
    let weight = 0;
    let count = 0;
    for (const { weight: next } of waiting) {
      if (count > 0 && weight + next > maxGroup) break;
      weight += next;
      count += 1;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    queued -= weight;
    return group;
  };

  const commitGroup = async (group: readonly Waiting<Op, Answer>[]): Promise<void> => {
    try {
      const answers = await options.commit(group.map(({ op }) => op));
      group.forEach(({ resolve }, index) => {
        resolve(answers[index] as Answer);
      });
      options.onCommitted?.({ operations: group.length, weight: group.reduce((sum, { weight }) => sum + weight, 0) });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  const run = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) await commitGroup(takeGroup());
    busy = false;
  };

  return {
    get queued() {
      return queued;
    },
    add(op) {
      const weight = options.weightOf(op);
      if (queued > 0 && queued + weight > maxQueued) {
        return Promise.reject(new GuildhallError("QUEUE_FULL", `${name}: ${queued} wait for the commit under way`));
      }
      return new Promise<Answer>((resolve, reject) => {
        waiting.push({ op, weight, resolve, reject });
        queued += weight;
        // In a microtask, so that all that one message brings commits together.
        if (!busy) {
          busy = true;
          void Promise.resolve().then(run);
        }
      });
    },
  };
}
