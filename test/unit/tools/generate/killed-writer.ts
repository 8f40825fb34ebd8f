/** A process of its own that writes a file and is killed with -9 at the named step. */
import process from 'node:process';
import { realDisk, writeAtomically } from '#tools/generate/write-atomically.ts';
import type { AtomicDisk } from '#tools/generate/write-atomically.ts';

const [, , path = '', step = ''] = process.argv;
const die = (): never => {
  process.kill(process.pid, 'SIGKILL');
  for (;;); // The signal ends the process; nothing after the step may run.
};

const dying: Readonly<Record<string, Partial<AtomicDisk>>> = {
  'half written': {
    writeWhole: (name, bytes) => {
      realDisk.writeWhole(name, bytes.subarray(0, bytes.length / 2));
      die();
    },
  },
  'before the rename': { rename: die },
  'after the rename': { syncFolder: die },
};

writeAtomically(path, 'new '.repeat(10_000), { ...realDisk, ...dying[step] });
