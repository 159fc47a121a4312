/** First in, first out, and by place; taking the first one moves no others, however many there are. */
export interface Queue<T> {
  readonly size: number;
  at(place: number): T | undefined;
  slice(from: number, to: number): T[];
  push(item: T): void;
  shift(): void;
}

// What is gone is cut away when it is most of the whole, so that each item is moved about once.
const cutFrom = 32;

/** Makes an empty queue. */
export function makeQueue<T>(): Queue<T> {
  let items: (T | undefined)[] = [];
  let begin = 0;
  return {
    get size() {
      return items.length - begin;
    },
    at: (place) => items[begin + place],
    slice: (from, to) => items.slice(begin + from, begin + to) as T[],
    push: (item) => void items.push(item),
    shift() {
      items[begin] = undefined;
      begin++;
      if (begin < cutFrom || begin * 2 < items.length) return;
      items = items.slice(begin);
      begin = 0;
    },
  };
}
