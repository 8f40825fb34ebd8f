import { describe, expect, it } from 'vitest';
import { watchedDepth } from '#functions/shared/engine-pressure.ts';

describe('the watched depth of a queue', () => {
  const watching = (answers: readonly (number | Error)[]) => {
    const left = [...answers];
    const clock = { nowMs: 0 };
    let asked = 0;
    const depth = watchedDepth(
      () => {
        asked++;
        const answer = left.shift() ?? 0;
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      () => clock.nowMs,
    );
    return { depth, clock, asked: () => asked };
  };

  it('is asked for again after five seconds, and not a moment before', async () => {
    const { depth, clock, asked } = watching([7, 9]);

    expect([await depth(), asked()]).toEqual([7, 1]);
    clock.nowMs = 4_999;
    expect([await depth(), asked()]).toEqual([7, 1]);
    clock.nowMs = 5_000;
    expect([await depth(), asked()]).toEqual([9, 2]);
  });

  it('is asked for again at once when the question failed, once for all who had waited', async () => {
    const { depth, asked } = watching([new Error('not now'), 5]);

    const first = await Promise.allSettled([depth(), depth()]);

    expect(first.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await Promise.all([depth(), depth()])).toEqual([5, 5]);
    expect(asked()).toBe(2);
  });
});
