import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '#test/support/process.ts';
import { barsTape } from '#tools/torture/bars-tape.ts';
import { torture } from '#tools/torture/torture.ts';

const folder = temporaryFolder();

it.each([11, 12])(
  'leaves records, events, outcomes and rows as they were after twenty kills (seed %i)',
  async (seed) => {
    const place = path.join(folder, String(seed));
    mkdirSync(place);
    const tape = path.join(place, 'bars.csv');
    writeFileSync(tape, barsTape(5_000, seed));

    const { kills, differences, acknowledged } = await torture({
      kills: 20,
      seed,
      tapeArguments: ['--tape', tape, '--format', 'bars-csv', '--symbol', 'TORTURE'],
      folder: place,
      say: (line) => console.log(line),
    });

    expect({ kills, differences }).toEqual({ kills: 20, differences: [] });
    expect(acknowledged).toBeGreaterThan(8_000);
  },
);
