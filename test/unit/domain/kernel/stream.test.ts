import { expect, it } from 'vitest';
import { encodeStream, emptyStream } from '#domain/kernel/stream.ts';
import { counter } from '#test/support/counter.ts';

it('is encoded without a deadline while none is armed', () => {
  const stream = emptyStream(counter);
  expect(encodeStream(counter, stream)?.text).not.toContain('"d":');
  expect(encodeStream(counter, { ...stream, armedDeadlineMs: 7 })?.text).toContain('"d":7');
});
