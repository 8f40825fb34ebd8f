/** Writes `events/tapes/demo.jsonl` and `events/tapes/demo.feed.json` anew; the result is committed. */
import { writeFileSync } from 'node:fs';
import { demoTape } from '#tools/tape/demo-tape.ts';

const folder = new URL('../../events/tapes/', import.meta.url);
const { lines, feed } = demoTape();
writeFileSync(new URL('demo.jsonl', folder), `${lines.join('\n')}\n`);
writeFileSync(new URL('demo.feed.json', folder), `${JSON.stringify(feed, null, 2)}\n`);
process.stdout.write(`wrote ${lines.length} records to events/tapes/demo.jsonl\n`);
