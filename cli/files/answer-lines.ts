/**
 * A filter over JSON lines: whatever has arrived is answered at once, and no more is read while the answers cannot be
 * written. What cannot be read is answered with an error, and the next line goes on.
 */
import type * as z from 'zod';
import type { RefusedLine, RefusedLineCode } from '#contracts/market/refused-line.ts';
import { lineGroupsOf } from '#cli/tape/open-tape.ts';
import type { TapeLine } from '#cli/tape/open-tape.ts';

/** What is answered to a line: JSON values, one a line; a text is a line as it is. */
export type Answers = readonly (object | string)[];

/** How lines are answered, and what is said when there are no more. */
export interface LineAnswers {
  readonly answer: (line: TapeLine) => Answers;
  readonly end?: () => Answers;
}

/** A refused line. */
export const refusedLine = (code: RefusedLineCode, message: string): RefusedLine => ({
  error: { code, message },
});

/** A line that was understood, or what is answered instead. */
export type ReadLine<Value> =
  | { readonly kind: 'read'; readonly value: Value }
  | { readonly kind: 'refused'; readonly refusal: RefusedLine };

/** Reads lines of one shape; what is no JSON, or has another shape, is refused with the number of its line. */
export const lineReader =
  <Value>(schema: z.ZodType<Value>, code: RefusedLineCode) =>
  ({ line, text }: TapeLine): ReadLine<Value> => {
    const refused = (why: RefusedLineCode, message: string): ReadLine<Value> => ({
      kind: 'refused',
      refusal: refusedLine(why, `line ${line}: ${message}`),
    });
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      return refused('invalid_json', `this is no JSON (${String(error)})`);
    }
    const parsed = schema.safeParse(json);
    return parsed.success ? { kind: 'read', value: parsed.data } : refused(code, issueText(parsed.error));
  };

/** The first thing that is wrong with a value. */
export const issueText = ({ issues }: z.ZodError): string =>
  issues
    .slice(0, 1)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('');

const textOf = (answers: Answers): string =>
  answers.map((answer) => `${typeof answer === 'string' ? answer : JSON.stringify(answer)}\n`).join('');

/** Answers every line that is not blank; it ends early, and well, when nobody reads the answers any more. */
export const answerLines = async (
  input: AsyncIterable<Uint8Array>,
  output: NodeJS.WritableStream,
  { answer, end }: LineAnswers,
): Promise<void> =>
  whileRead(output, async () => {
    for await (const lines of lineGroupsOf(input)) {
      const given = lines.filter(({ text }) => text.trim() !== '');
      await write(output, textOf(given.flatMap(answer)));
    }
    await write(output, textOf(end?.() ?? []));
  });

/** Does what writes to an output; ends early, and well, when nobody reads it any more. */
export const whileRead = async (output: NodeJS.WritableStream, work: () => Promise<void>): Promise<void> => {
  // The write that fails tells of it; an error without a listener would end the process.
  const ignore = (): void => undefined;
  output.on('error', ignore);
  try {
    await work();
  } catch (error) {
    if (!isClosedOutput(error)) throw error;
  } finally {
    output.off('error', ignore);
  }
};

/** Whether an output cannot be written because nobody reads it any more. */
export const isClosedOutput = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPIPE';

/** Writes one value as a line; a text is a line as it is. */
export const writeLine = (output: NodeJS.WritableStream, value: object | string): Promise<void> =>
  write(output, textOf([value]));

const write = (output: NodeJS.WritableStream, text: string): Promise<void> =>
  text === ''
    ? Promise.resolve()
    : new Promise((resolve, reject) => {
        output.write(text, (error) => (error ? reject(error) : resolve()));
      });
