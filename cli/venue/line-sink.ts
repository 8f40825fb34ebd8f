/** Market events as JSON lines on an output. */
import type { MarketSink } from '#domain/ports/outside.ts';

/** Each put is written before it is answered, so that whoever reads slowly holds back what is read of the venue. */
export const lineSink = (output: NodeJS.WritableStream): MarketSink => ({
  put: (records) =>
    new Promise((resolve, reject) => {
      const text = records.map(({ body }) => `${body}\n`).join('');
      output.write(text, (error) => (error ? reject(error) : resolve([])));
    }),
});
