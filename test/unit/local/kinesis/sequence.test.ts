import { describe, expect, it } from 'vitest';

import { virtualClock } from '#local/kernel/clock.ts';
import { compareDecimal, counterAt, sequenceNumber } from '#local/kinesis/sequence.ts';
import { START_MS, startKinesis } from '#test/unit/local/kinesis/kinesis-under-test.ts';

const numbersOf = (clock: ReturnType<typeof virtualClock>, count: number): readonly string[] => {
  const { call, put } = startKinesis({ clock });
  call('CreateStream', { StreamName: 's', ShardCount: 1 });
  return Array.from({ length: count }, () => String(put('s', 'k', 'x')['SequenceNumber']));
};

describe('sequence numbers', () => {
  it('are greater than those an older cloud gave out before', () => {
    const older = numbersOf(virtualClock(START_MS), 900);
    const younger = numbersOf(virtualClock(START_MS + 1), 1);
    expect(compareDecimal(younger[0] ?? '', older.at(-1) ?? '')).toBeGreaterThan(0);
  });

  it('grow when the clock steps back, and when one millisecond takes more than they foresee', () => {
    const first = startKinesis({ clock: virtualClock(START_MS), throttle: false });
    first.call('CreateStream', { StreamName: 's', ShardCount: 1 });
    const numbers = Array.from({ length: 1_100 }, () => String(first.put('s', 'k', 'x')['SequenceNumber']));
    const again = startKinesis({ clock: virtualClock(START_MS - 60_000), entries: first.journal });
    numbers.push(String(again.put('s', 'k', 'x')['SequenceNumber']));
    expect(numbers.slice(1).every((number, index) => compareDecimal(number, numbers[index] ?? '') > 0)).toBe(
      true,
    );
  });

  it('have 56 digits and stay exact for two centuries', () => {
    const late = counterAt(Date.UTC(2250, 0, 1));
    expect(Number.isSafeInteger(late)).toBe(true);
    expect(sequenceNumber(late)).toMatch(/^496\d{53}$/);
  });
});
