/** Schedule expressions of EventBridge: `rate(…)` of at least a minute, `cron(…)` with six fields, `at(…)`. */
import { Cron } from 'croner';

/** The first instant after the given one at which a schedule fires; undefined when it never does again. */
export type NextFiring = (afterMs: number) => number | undefined;

const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** Reads an expression; cron and at are in the time zone. Rates fire at whole multiples since the epoch. */
export const parseScheduleExpression = (expression: string, timeZone = 'UTC'): NextFiring => {
  const [, kind, argument] = /^(rate|cron|at)\(([^)]+)\)$/.exec(expression.trim()) ?? [];
  if (argument === undefined) throw new Error(`the schedule expression ${expression} is not supported`);
  if (kind === 'rate') return rate(argument, expression);
  const pattern = kind === 'at' ? argument : cronerPattern(argument, expression);
  const cron = new Cron(pattern, {
    paused: true,
    timezone: timeZone,
    ...(kind === 'cron' ? { mode: '7-part' as const, sloppyRanges: true } : {}),
  });
  return (afterMs) => cron.nextRun(new Date(afterMs))?.getTime();
};

const rate = (argument: string, expression: string): NextFiring => {
  const [, count, unit] = /^(\d+) (minute|hour|day)s?$/.exec(argument) ?? [];
  const periodMs = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (!(periodMs >= UNIT_MS.minute))
    throw new Error(`the schedule expression ${expression} is not supported: a rate is at least 1 minute`);
  return (afterMs) => (Math.floor(afterMs / periodMs) + 1) * periodMs;
};

/** AWS counts days of the week 1 (Sunday) to 7, croner 0 to 6, and AWS has no seconds. */
const cronerPattern = (argument: string, expression: string): string => {
  const fields = argument.trim().split(/\s+/);
  const [minute, hour, dayOfMonth, month, dayOfWeek, year] = fields;
  if (fields.length !== 6 || dayOfWeek === undefined)
    throw new Error(`the schedule expression ${expression} is not supported: cron has six fields`);
  const shifted = dayOfWeek.replaceAll(/(?<!#)\b([1-7])(?=[#L,\-/]|$)/g, (digit) =>
    String(Number(digit) - 1),
  );
  return `0 ${minute} ${hour} ${dayOfMonth} ${month} ${shifted} ${year}`;
};
