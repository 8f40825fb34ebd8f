/** Binary heaps as plain arrays. Items know their index, so that any of them can leave in logarithmic time. */

/** How a heap orders its items and tells them where they stand. */
export interface HeapOrder<Item> {
  readonly isBefore: (left: Item, right: Item) => boolean;
  /** Remembers where the item stands now; -1 when it has left. */
  readonly setIndex: (item: Item, index: number) => void;
  readonly indexOf: (item: Item) => number;
}

const set = <Item>(heap: Item[], order: HeapOrder<Item>, index: number, item: Item): void => {
  heap[index] = item;
  order.setIndex(item, index);
};

const rise = <Item>(heap: Item[], order: HeapOrder<Item>, item: Item, start: number): void => {
  let index = start;
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !order.isBefore(item, parent)) break;
    set(heap, order, index, parent);
    index = above;
  }
  set(heap, order, index, item);
};

const sink = <Item>(heap: Item[], order: HeapOrder<Item>, item: Item, start: number): void => {
  let index = start;
  for (;;) {
    let below = index * 2 + 1;
    let child = heap[below];
    if (child === undefined) break;
    const sibling = heap[below + 1];
    if (sibling !== undefined && order.isBefore(sibling, child)) {
      child = sibling;
      below += 1;
    }
    if (!order.isBefore(child, item)) break;
    set(heap, order, index, child);
    index = below;
  }
  set(heap, order, index, item);
};

/** Adds the item. */
export const heapAdd = <Item>(heap: Item[], order: HeapOrder<Item>, item: Item): void =>
  rise(heap, order, item, heap.length);

/** Takes the item out; it must be in the heap. */
export const heapRemove = <Item>(heap: Item[], order: HeapOrder<Item>, item: Item): void => {
  const index = order.indexOf(item);
  const last = heap.pop();
  order.setIndex(item, -1);
  if (last === undefined || last === item) return;
  if (order.isBefore(last, item)) rise(heap, order, last, index);
  else sink(heap, order, last, index);
};
