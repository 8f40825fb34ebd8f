/** Which trace contexts are heard, and what attempts are given. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { traceIdOf, traceparentOf } from '#domain/kernel/trace.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

it.each([
  [`00-${TRACE}-${SPAN}-01`, TRACE],
  [`00-${TRACE}-${SPAN}-00`, TRACE],
  [`cc-${TRACE}-${SPAN}-01-what-the-future-holds`, TRACE],
  [`00-${TRACE}-${SPAN}-01-more`, undefined],
  [`ff-${TRACE}-${SPAN}-01`, undefined],
  [`00-${'0'.repeat(32)}-${SPAN}-01`, undefined],
  [`00-${TRACE}-${'0'.repeat(16)}-01`, undefined],
  [`00-${TRACE.toUpperCase()}-${SPAN}-01`, undefined],
  [`00-${TRACE}-${SPAN}`, undefined],
  ['', undefined],
  [undefined, undefined],
])('of %s the trace is %s', (header, traceId) => {
  expect(traceIdOf(header)).toBe(traceId);
});

it('puts every attempt of a run into one trace, each with a span of its own, the same each time', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (runId, one, other) => {
      fc.pre(one !== other);
      const first = traceparentOf({ runId }, one);
      expect(traceIdOf(first)).toBe(traceIdOf(traceparentOf({ runId }, other)));
      expect(first).not.toBe(traceparentOf({ runId }, other));
      expect(first).toBe(traceparentOf({ runId }, one));
      expect(traceIdOf(traceparentOf({ runId, traceId: TRACE }, one))).toBe(TRACE);
    }),
  );
});
