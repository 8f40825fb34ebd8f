import { expect, it } from 'vitest';
import { sentAttempt } from '#domain/run/sent-attempt.ts';
import { planOf, triggered } from '#test/support/run-fixtures.ts';

it.each(['m.a', 'm.nobody'])('is none of a task that no location takes: %s', (taskKey) => {
  const run = triggered(planOf({ 'm.a': [] })).state();

  expect(() => sentAttempt(run, { taskKey, attempt: 1, sendNo: 1 })).toThrow(
    'names no task that an execution location takes',
  );
});
