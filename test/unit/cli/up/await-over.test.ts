import { describe, expect, it } from 'vitest';
import { awaitOver } from '#cli/up/await-over.ts';
import type { Look } from '#cli/up/await-over.ts';

/** Waits on a clock that only its own sleeping moves; each look says what `moved` gives, until it gives undefined. */
const waiting = (moved: (look: number) => string | undefined, stallMaxMs = 1_000) => {
  const stop = new AbortController();
  let nowMs = 0;
  let looks = 0;
  const look = (): Promise<Look> => {
    const seen = moved(looks++);
    return Promise.resolve({ isOver: seen === undefined, moved: seen ?? '', waitsFor: 'the thing' });
  };
  const sleep = (waitMs: number): Promise<void> => {
    nowMs += waitMs;
    return Promise.resolve();
  };
  const done = awaitOver(look, { stallMaxMs, signal: stop.signal, nowMs: () => nowMs, sleep });
  return { done, stop, looks: () => looks, nowMs: () => nowMs };
};

describe('waiting', () => {
  it('ends with the first look that finds it over', async () => {
    const { done, looks } = waiting((look) => (look < 3 ? 'same' : undefined));

    await done;

    expect(looks()).toBe(4);
  });

  it('takes as long as it takes while something moves', async () => {
    const { done, nowMs } = waiting((look) => (look < 1_000 ? String(look) : undefined), 200);

    await done;

    expect(nowMs()).toBe(200_000);
  });

  it('gives up once nothing has moved for as long as is borne, and says what it waited for', async () => {
    const { done, nowMs } = waiting((look) => (look < 10 ? String(look) : 'still'));

    await expect(done).rejects.toMatchObject({
      code: 'no_progress',
      exitCode: 1,
      message: expect.stringMatching(/^nothing has moved for 1 s while waiting for the thing; /) as string,
      details: { waitsFor: 'the thing', stalledMs: 1_000 },
    });
    expect(nowMs()).toBe(10 * 200 + 1_000);
  });

  it('bears a standstill that ends just in time', async () => {
    const { done } = waiting((look) => (look <= 4 ? 'still' : undefined));

    await expect(done).resolves.toBeUndefined();
  });

  it('never gives up when every standstill is borne', async () => {
    const { done } = waiting((look) => (look < 10_000 ? 'still' : undefined), Infinity);

    await expect(done).resolves.toBeUndefined();
  });

  it('ends quietly with the signal', async () => {
    const { done, stop, looks } = waiting(() => 'still', Infinity);

    stop.abort();
    await done;

    expect(looks()).toBe(1);
  });
});
