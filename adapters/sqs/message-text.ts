/** The text of messages: SQS refuses a body that holds characters outside of XML 1.0. */

/** What JSON leaves as it is and SQS does not carry, and the controls that only confuse those who read a queue. */
const NOT_CARRIED = /[\u007f-\u009f\ufffe\uffff]/g;

/** A value as JSON that SQS carries: noncharacters, controls and lone surrogates are written as `\uXXXX`. */
export const messageText = (value: unknown): string =>
  JSON.stringify(value).replace(
    NOT_CARRIED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** What a body counts against the bounds of SQS, which are bytes of UTF-8. */
export const messageBytes = (body: string): number => Buffer.byteLength(body);
