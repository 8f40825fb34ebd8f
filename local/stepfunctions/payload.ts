/** The bound on what travels between states. */
import { StateError } from './state-error.ts';

/** Most bytes of one input, output, argument or set of variables. */
export const payloadBytesMax = 262_144;

/** Whether the text is over the bound as UTF-8. */
export const isOverLimit = (text: string): boolean => Buffer.byteLength(text) > payloadBytesMax;

/** The value as JSON text; over 256 KB the state fails with `States.DataLimitExceeded`. */
export const payloadText = (value: unknown, what: string): string => {
  const text = JSON.stringify(value);
  if (isOverLimit(text)) {
    throw new StateError(
      'States.DataLimitExceeded',
      `${what} has a size exceeding the maximum number of bytes service limit.`,
    );
  }
  return text;
};
