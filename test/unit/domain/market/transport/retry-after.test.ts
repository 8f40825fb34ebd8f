import { describe, expect, it } from 'vitest';

import { RETRY_AFTER_MS_MAX, retryAfterMs } from '#domain/market/transport/retry-after.ts';

const NOW_MS = Date.UTC(2026, 0, 1);

describe('what a venue asks for with Retry-After', () => {
  it('is so many seconds, or until an instant', () => {
    expect(retryAfterMs('120', NOW_MS)).toBe(120_000);
    expect(retryAfterMs(' 0 ', NOW_MS)).toBe(0);
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', NOW_MS)).toBe(30_000);
    expect(retryAfterMs('Thu, 01 Jan 2026 00:00:00 GMT', NOW_MS + 1)).toBe(0);
  });

  it('is three days at most', () => {
    expect(RETRY_AFTER_MS_MAX).toBe(259_200_000);
    expect(retryAfterMs('259200', NOW_MS)).toBe(RETRY_AFTER_MS_MAX);
    expect(retryAfterMs('259201', NOW_MS)).toBe(RETRY_AFTER_MS_MAX);
    expect(retryAfterMs('9'.repeat(15), NOW_MS)).toBe(RETRY_AFTER_MS_MAX);
    expect(retryAfterMs('Thu, 01 Jan 2099 00:00:00 GMT', NOW_MS)).toBe(RETRY_AFTER_MS_MAX);
  });

  it('is nothing where it is neither', () => {
    for (const value of [null, undefined, '', '-1', '1.5', 'soon', '2026-01-01', 'never GMT', '9'.repeat(16)])
      expect(retryAfterMs(value, NOW_MS)).toBeUndefined();
  });
});
