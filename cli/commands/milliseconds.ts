import { InvalidArgumentError } from 'commander';

/** An option of so many ms, 1 to 999,999,999. */
export const milliseconds = (text: string): number => {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give milliseconds above 0, for example 10000');
};
