import { expect, it } from 'vitest';
import { activityCounter } from '#local/kernel/activity.ts';

it('counts what has begun and neither ended nor parked', () => {
  const activity = activityCounter();
  const end = activity.begin();
  const resume = activity.park();
  expect(activity.inFlightCount()).toBe(0);
  resume();
  resume();
  expect(activity.inFlightCount()).toBe(1);
  end();
  end();
  expect(activity.inFlightCount()).toBe(0);
});

it('is idle only after what follows from the last end has ended too', async () => {
  const activity = activityCounter();
  const order: string[] = [];
  const first = activity.begin();
  const idle = activity.idle().then(() => order.push('idle'));
  setImmediate(() => {
    first();
    queueMicrotask(() => {
      const second = activity.begin();
      setImmediate(() => {
        order.push('second ended');
        second();
      });
    });
  });
  await idle;
  expect(order).toEqual(['second ended', 'idle']);
});
