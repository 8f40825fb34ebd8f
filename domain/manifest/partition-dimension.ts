/** The values a dimension takes, by its kind: how a plain one is written canonically, and why one does not fit. */
import { runLimits } from '#contracts/runs/limits.ts';
import type { PartitionDimension } from '#contracts/runs/manifest.ts';
import { encodeScalar, isDate, isTimestamp } from '#domain/manifest/partition-scalar.ts';
import type { ScalarValue } from '#domain/manifest/partition-scalar.ts';

type Granularity = NonNullable<PartitionDimension['granularity']>;

/** The scalar of a value as a request writes it; one that does not fit stays as it is and has a fault. */
export const fromPlain = ({ kind, granularity }: PartitionDimension, value: string): ScalarValue => {
  if (kind !== 'time') return { tag: 's', value };
  switch (granularity) {
    case 'hour':
      return { tag: 't', value: asTimestamp(value) };
    case 'week':
      return { tag: 'd', value: weekStart(value) ?? value };
    case 'month':
      return { tag: 'd', value: /^[0-9]{4}-[0-9]{2}$/.test(value) ? `${value}-01` : value };
    case 'day':
    case undefined:
      return { tag: 'd', value };
  }
};

const DIMENSIONS_OF_TIME = (['day', 'hour', 'week', 'month'] as const).map((granularity) => ({
  name: 'time',
  kind: 'time' as const,
  granularity,
}));

/** Whether a plain value is written canonically as this scalar in a dimension of some kind. */
export const isSpelledSo = (scalar: ScalarValue, value: string | undefined): boolean =>
  value !== undefined &&
  (scalar.tag === 's'
    ? scalar.value === value
    : DIMENSIONS_OF_TIME.some((one) => encodeScalar(fromPlain(one, value)) === encodeScalar(scalar)));

/** What the dimension takes, when the scalar is no such value; undefined when it is. */
export const allowedInstead = (dimension: PartitionDimension, scalar: ScalarValue): string | undefined => {
  switch (dimension.kind) {
    case 'time': {
      const { isPeriod, allowed } = PERIODS[dimension.granularity ?? 'day'];
      return isPeriod(scalar) ? undefined : allowed;
    }
    case 'static':
      if (scalar.tag !== 's') return 'a text';
      return dimension.values === undefined || dimension.values.includes(scalar.value)
        ? undefined
        : `one of ${listed(dimension.values)}`;
    case 'tenant':
      return scalar.tag === 's' ? undefined : 'a text';
    case 'dynamic':
      return scalar.tag === 's' && isDynamicValue(scalar.value)
        ? undefined
        : `a text of 1 to ${runLimits.dimensionValueLengthMax} characters without control characters or outer blanks`;
  }
};

/** A scalar as a person would write it. */
export const plainText = (scalar: ScalarValue): string =>
  scalar.tag === 's' ? scalar.value : encodeScalar(scalar).slice(2);

const LISTED_MAX = 20;

const listed = (values: readonly string[]): string =>
  values.slice(0, LISTED_MAX).join(', ') +
  (values.length > LISTED_MAX ? ` and ${values.length - LISTED_MAX} more` : '');

interface Period {
  readonly isPeriod: (scalar: ScalarValue) => boolean;
  readonly allowed: string;
}

const isDay = (scalar: ScalarValue): scalar is Extract<ScalarValue, { tag: 'd' }> =>
  scalar.tag === 'd' && isDate(scalar.value);

const PERIODS: Readonly<Record<Granularity, Period>> = {
  day: { isPeriod: isDay, allowed: 'a day such as 2026-01-02' },
  hour: {
    isPeriod: (scalar) =>
      scalar.tag === 't' && isTimestamp(scalar.value) && scalar.value.endsWith(':00:00.000000Z'),
    allowed: 'a full hour such as 2026-01-02T21:00:00.000000Z',
  },
  week: {
    isPeriod: (scalar) => isDay(scalar) && new Date(`${scalar.value}T00:00:00Z`).getUTCDay() === 1,
    allowed: 'the Monday a week begins with such as 2026-01-05, or the week 2026-W02',
  },
  month: {
    isPeriod: (scalar) => isDay(scalar) && scalar.value.endsWith('-01'),
    allowed: 'the first day of a month such as 2026-01-01, or the month 2026-01',
  },
};

/** Any text but one that cannot be told from another by eye, or that breaks a line of a log. */
const isDynamicValue = (value: string): boolean =>
  value.length >= 1 &&
  value.length <= runLimits.dimensionValueLengthMax &&
  value.trim() === value &&
  !/\p{Cc}/u.test(value);

const asTimestamp = (text: string): string => {
  const match = /^(.{10}T[0-9]{2}:[0-9]{2})(:[0-9]{2})?(?:\.([0-9]{1,6}))?Z$/.exec(text);
  return match ? `${match[1]}${match[2] ?? ':00'}.${(match[3] ?? '').padEnd(6, '0')}Z` : text;
};

const DAY_MS = 86_400_000;
const YEAR_MIN = 1970;

/** The Monday of an ISO week such as `2026-W02`; undefined for another text, and for a week its year does not have. */
const weekStart = (text: string): string | undefined => {
  const match = /^([0-9]{4})-W([0-9]{2})$/.exec(text);
  if (!match) return undefined;
  const [year, week] = match.slice(1).map(Number) as [number, number];
  // As for days (see `isDate`); `Date.UTC` takes the years 70 to 99 for those of the last century.
  if (year < YEAR_MIN) return undefined;
  // The week of 4 January is the first of its year, and that of 28 December the last.
  const first = mondayOf(Date.UTC(year, 0, 4));
  const last = mondayOf(Date.UTC(year, 11, 28));
  const mondayMs = first + (week - 1) * 7 * DAY_MS;
  return mondayMs < first || mondayMs > last ? undefined : new Date(mondayMs).toISOString().slice(0, 10);
};

const mondayOf = (dayMs: number): number => dayMs - ((new Date(dayMs).getUTCDay() + 6) % 7) * DAY_MS;
