/** How long a venue asks not to be asked again: the value of `Retry-After`, in seconds or as a date. */
import type { Loss } from '#domain/market/transport/adapter.ts';

/** The longest ban the venue speaks of is three days; what asks for more is taken for that. */
export const RETRY_AFTER_MS_MAX = 3 * 86_400_000;

/** From now, in ms, 0 to three days; undefined for what is neither. A date of the past asks for nothing. */
export const retryAfterMs = (value: string | null | undefined, nowMs: number): number | undefined => {
  const text = value?.trim() ?? '';
  const asked = /^\d{1,15}$/.test(text) ? Number(text) * 1_000 : dateOf(text) - nowMs;
  return Number.isNaN(asked) ? undefined : Math.min(Math.max(0, asked), RETRY_AFTER_MS_MAX);
};

/** Dates of HTTP end in GMT; what else a parser takes for a date, such as `-1`, is none. */
const dateOf = (text: string): number => (text.endsWith(' GMT') ? Date.parse(text) : Number.NaN);

/** What an answer that is not well means for a connection. */
export const refusalOf = (
  status: number,
  {
    retryAfter,
    nowMs,
    said = '',
  }: {
    /** The header. */
    readonly retryAfter: string | null | undefined;
    readonly nowMs: number;
    readonly said?: string;
  },
): Loss => {
  const askedMs = retryAfterMs(retryAfter, nowMs);
  const details = [said.slice(0, SAID_MAX), ...(askedMs === undefined ? [] : [`not before ${askedMs} ms`])];
  return {
    errorDetail: [`the venue answered ${status}`, ...details.filter((part) => part !== '')].join(': '),
    ...(askedMs === undefined ? {} : { retryAfterMs: askedMs }),
  };
};

const SAID_MAX = 200;
