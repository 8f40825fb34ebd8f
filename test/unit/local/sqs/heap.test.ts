import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heapAdd, heapRemove } from '#local/sqs/heap.ts';

interface Item {
  readonly rank: number;
  index: number;
}

const order = {
  isBefore: (left: Item, right: Item) => left.rank < right.rank,
  setIndex: (item: Item, index: number) => {
    item.index = index;
  },
  indexOf: (item: Item) => item.index,
};

describe('a heap', () => {
  it('has its first item in front whatever joins and leaves', () => {
    const anyStep = fc.oneof(
      { weight: 2, arbitrary: fc.nat({ max: 1000 }).map((rank) => ({ rank })) },
      fc.nat({ max: 1000 }).map((leaver) => ({ leaver })),
    );
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 60, maxLength: 120 }), (steps) => {
        const heap: Item[] = [];
        let model: Item[] = [];
        for (const step of steps) {
          if ('rank' in step) {
            const item = { rank: step.rank, index: -1 };
            heapAdd(heap, order, item);
            model.push(item);
          } else {
            const item = model[step.leaver % Math.max(1, model.length)];
            if (!item) continue;
            heapRemove(heap, order, item);
            model = model.filter((other) => other !== item);
            expect(item.index).toBe(-1);
          }
          expect(heap[0]?.rank).toBe(model.map(({ rank }) => rank).sort((a, b) => a - b)[0]);
          const misplaced = heap.filter(
            (item, index) => item.index !== index || (heap[(index - 1) >> 1]?.rank ?? 0) > item.rank,
          );
          expect(misplaced).toEqual([]);
        }
        expect(heap).toHaveLength(model.length);
      }),
      { numRuns: 300 },
    );
  });
});
