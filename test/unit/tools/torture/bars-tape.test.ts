import { expect, it } from 'vitest';
import { barRecords } from '#cli/tape/bars-csv.ts';
import { linesOf } from '#cli/tape/open-tape.ts';
import { barsTape } from '#tools/torture/bars-tape.ts';

it('writes bars the importer reads: the same for the same seed, five records for three minutes', async () => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(barsTape(6, 1));
  }
  const records = [];
  for await (const record of barRecords(linesOf(bytes()), { symbol: 'X', tapeId: 't' })) records.push(record);

  expect(records).toHaveLength(10);
  expect(barsTape(6, 1)).toBe(barsTape(6, 1));
  expect(barsTape(6, 1)).not.toBe(barsTape(6, 2));
});
