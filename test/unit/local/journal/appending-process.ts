/** Appends numbers to the state directory of its argument and prints each one after it was acknowledged. */
import fs from 'node:fs';
import { openStateDirectory } from '#local/journal/state-directory.ts';

const state = openStateDirectory(process.argv[2] ?? '', { segmentBytes: 64 * 1024, tailRecordsMax: 300 });
let last = 0;
for (const [, [, n]] of state.entries()) last = Number(n);

const appendForever = async (): Promise<never> => {
  for (;;) {
    for (let group = 0; group < 3; group++) state.journal.append('counter', ['set', ++last, 'x'.repeat(200)]);
    const acknowledging = last;
    await state.journal.durable();
    fs.writeSync(1, `${acknowledging}\n`);
    if (state.shouldSnapshot()) void state.snapshot([['counter', ['set', last]]]);
  }
};

await appendForever();
