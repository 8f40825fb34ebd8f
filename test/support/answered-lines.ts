/** What file commands answer, without a process. */
import { Writable } from 'node:stream';
import { answerLines } from '#cli/files/answer-lines.ts';
import type { LineAnswers } from '#cli/files/answer-lines.ts';

/** A text as it may arrive: in parts of some bytes. */
export async function* inParts(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

/** The lines written for an input that comes in parts of some bytes. */
export const writtenLines = async (
  lines: LineAnswers,
  input: string,
  size = 7,
): Promise<readonly string[]> => {
  const written: string[] = [];
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk.toString());
      done();
    },
  });
  await answerLines(inParts(input, size), output, lines);
  return written
    .join('')
    .split('\n')
    .filter((line) => line !== '');
};

/** The same, as the values they are. */
export const answered = async (lines: LineAnswers, input: string, size = 7): Promise<readonly unknown[]> =>
  (await writtenLines(lines, input, size)).map((line): unknown => JSON.parse(line));

/** Lines of values; a text is a line as it is. */
export const linesOf = (...values: readonly unknown[]): string =>
  values.map((value) => `${typeof value === 'string' ? value : JSON.stringify(value)}\n`).join('');
