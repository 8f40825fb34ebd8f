import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addNumbers,
  canonicalNumber,
  compareNumbers,
  significantDigitCount,
  subtractNumbers,
} from '#local/dynamodb/number.ts';
import { invalidity } from './support.ts';

const digits = (count: number): string => '1'.repeat(count);

describe('numbers', () => {
  it.each([
    ['0', '0'],
    ['-0', '0'],
    ['0.0', '0'],
    ['+1', '1'],
    ['007', '7'],
    ['1.50', '1.5'],
    ['1e3', '1000'],
    ['1.5E-3', '0.0015'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['-12.340', '-12.34'],
    [digits(38), digits(38)],
    ['1e125', `1${'0'.repeat(125)}`],
    ['1e-130', `0.${'0'.repeat(129)}1`],
  ])('keeps %s as %s', (given, kept) => {
    expect(canonicalNumber(given)).toBe(kept);
  });

  it.each([
    ['', 'The parameter cannot be converted to a numeric value'],
    ['b', 'The parameter cannot be converted to a numeric value: b'],
    ['1,5', 'The parameter cannot be converted to a numeric value: 1,5'],
    ['0x10', 'The parameter cannot be converted to a numeric value: 0x10'],
    [' 1', 'The parameter cannot be converted to a numeric value:  1'],
    ['Infinity', 'The parameter cannot be converted to a numeric value: Infinity'],
    [digits(39), 'Attempting to store more than 38 significant digits in a Number'],
    [`-1.${digits(38)}`, 'Attempting to store more than 38 significant digits in a Number'],
    ['1e126', 'Number overflow. Attempting to store a number with magnitude larger than supported range'],
    ['-1e126', 'Number overflow. Attempting to store a number with magnitude larger than supported range'],
    ['1e-131', 'Number underflow. Attempting to store a number with magnitude smaller than supported range'],
  ])('refuses %s', (given, message) => {
    expect(invalidity(() => canonicalNumber(given))).toBe(message);
  });

  it('adds and subtracts beyond what a double holds', () => {
    expect(addNumbers('9007199254740993', '2')).toBe('9007199254740995');
    expect(addNumbers('999999999999999', '1')).toBe('1000000000000000');
    expect(addNumbers('0.1', '0.2')).toBe('0.3');
    expect(subtractNumbers('0', '5')).toBe('-5');
    expect(subtractNumbers('1', '0.9')).toBe('0.1');
    expect(invalidity(() => addNumbers(digits(38), '0.1'))).toBe(
      'Attempting to store more than 38 significant digits in a Number',
    );
  });

  it('orders any two numbers as their values are ordered', () => {
    const number = fc
      .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 12 }))
      .map(([unscaled, scale]) => ({
        unscaled: unscaled * 10n ** BigInt(12 - scale),
        text: `${unscaled}e-${scale}`,
      }));
    fc.assert(
      fc.property(number, number, (left, right) => {
        const order = compareNumbers(canonicalNumber(left.text), canonicalNumber(right.text));
        const wanted = left.unscaled < right.unscaled ? -1 : left.unscaled > right.unscaled ? 1 : 0;
        expect(Math.sign(order)).toBe(wanted);
      }),
    );
  });

  it.each([
    ['0', 0],
    ['100', 1],
    ['-105', 3],
    ['0.0012', 2],
    ['10.20', 3],
  ])('counts the digits of %s that matter', (number, count) => {
    expect(significantDigitCount(number)).toBe(count);
  });
});
