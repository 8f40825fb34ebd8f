/** Decimal numbers as DynamoDB keeps them: 38 significant digits, magnitudes from 1e-130 to below 1e126. */
import { Big } from 'big.js';
import { validation } from '#local/kernel/aws-error.ts';

const SIGNIFICANT_DIGITS_MAX = 38;
const EXPONENT_MAX = 125;
const EXPONENT_MIN = -130;
/** Up to this many characters a canonical number is exact as a double. */
const EXACT_LENGTH_MAX = 15;

const PLAIN_INTEGER = /^(?:0|-?[1-9][0-9]{0,37})$/;
const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const SHORT_INTEGER = /^-?[0-9]{1,15}$/;

/** The one spelling of a number: no exponent, no needless zeros. Refuses what DynamoDB cannot hold. */
export const canonicalNumber = (text: string): string => {
  if (PLAIN_INTEGER.test(text)) return text;
  if (text === '') throw validation('The parameter cannot be converted to a numeric value');
  if (!NUMBER.test(text)) {
    throw validation(`The parameter cannot be converted to a numeric value: ${text}`);
  }
  return stored(new Big(text.startsWith('+') ? text.slice(1) : text));
};

/** Orders two canonical numbers. */
export const compareNumbers = (left: string, right: string): number => {
  if (left === right) return 0;
  if (left.length <= EXACT_LENGTH_MAX && right.length <= EXACT_LENGTH_MAX) {
    return Number(left) - Number(right);
  }
  return new Big(left).cmp(new Big(right));
};

/** Adds exactly; refuses a sum that needs more than 38 digits. */
export const addNumbers = (left: string, right: string): string =>
  SHORT_INTEGER.test(left) && SHORT_INTEGER.test(right)
    ? String(Number(left) + Number(right))
    : stored(new Big(left).plus(new Big(right)));

/** Subtracts exactly; refuses a difference that needs more than 38 digits. */
export const subtractNumbers = (left: string, right: string): string =>
  SHORT_INTEGER.test(left) && SHORT_INTEGER.test(right)
    ? String(Number(left) - Number(right))
    : stored(new Big(left).minus(new Big(right)));

/** Digits of a canonical number from its first to its last that is not zero. */
export const significantDigitCount = (canonical: string): number => {
  let count = 0;
  let trailingZeroCount = 0;
  for (let place = 0; place < canonical.length; place += 1) {
    const unit = canonical.charCodeAt(place);
    const isDigit = unit >= ZERO && unit <= NINE;
    if (!isDigit || (unit === ZERO && count === 0)) continue;
    count += 1;
    trailingZeroCount = unit === ZERO ? trailingZeroCount + 1 : 0;
  }
  return count - trailingZeroCount;
};

const ZERO = 48;
const NINE = 57;

const stored = (number: Big): string => {
  const isZero = number.c[0] === 0;
  if (isZero) return '0';
  if (number.e > EXPONENT_MAX) {
    throw validation(
      'Number overflow. Attempting to store a number with magnitude larger than supported range',
    );
  }
  if (number.e < EXPONENT_MIN) {
    throw validation(
      'Number underflow. Attempting to store a number with magnitude smaller than supported range',
    );
  }
  if (number.c.length > SIGNIFICANT_DIGITS_MAX) {
    throw validation('Attempting to store more than 38 significant digits in a Number');
  }
  return number.toFixed();
};
