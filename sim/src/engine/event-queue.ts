/** Something that happens at a moment of virtual time. */
export interface QueuedEvent {
  readonly atMs: number;
  /** Orders events of one moment. */
  readonly tie: number;
  readonly number: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Events in order of (time, tie, coming). */
export interface EventQueue {
  readonly size: number;
  push(event: QueuedEvent): void;
  /** Takes the first one that is not cancelled, when it is due by `untilMs`. */
  take(untilMs: number): QueuedEvent | undefined;
}

/** Makes an empty queue: a binary heap. */
export function makeEventQueue(): EventQueue {
  const heap: QueuedEvent[] = [];

  const rise = (from: number): void => {
    const event = heap[from] as QueuedEvent;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = heap[above] as QueuedEvent;
      if (!isBefore(event, other)) break;
      heap[place] = other;
      place = above;
    }
    heap[place] = event;
  };
  const sink = (): void => {
    const event = heap[0] as QueuedEvent;
    const { length } = heap;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= length) break;
      if (below + 1 < length && isBefore(heap[below + 1] as QueuedEvent, heap[below] as QueuedEvent)) below++;
      const other = heap[below] as QueuedEvent;
      if (!isBefore(other, event)) break;
      heap[place] = other;
      place = below;
    }
    heap[place] = event;
  };
  const removeFirst = (): QueuedEvent => {
    const first = heap[0] as QueuedEvent;
    const last = heap.pop() as QueuedEvent;
    if (heap.length > 0) {
      heap[0] = last;
      sink();
    }
    return first;
  };

  return {
    get size() {
      return heap.length;
    },
    push(event) {
      heap.push(event);
      rise(heap.length - 1);
    },
    take(untilMs) {
      for (let first = heap[0]; first !== undefined; first = heap[0]) {
        if (first.isCancelled) removeFirst();
        else if (first.atMs <= untilMs) return removeFirst();
        else return undefined;
      }
      return undefined;
    },
  };
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs;
  return a.tie !== b.tie ? a.tie < b.tie : a.number < b.number;
}
