/** Where `--ephemeral` keeps its token and the code it runs. Who ends orderly leaves nothing; who is killed leaves it. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { isRunning } from '#local/journal/process-state.ts';

const NAME = /^sluice-up-(\d+)-/;

/** A fresh folder named after this process, below `parent` (default: where the system keeps what is temporary). */
export const ephemeralFolder = (parent: string = os.tmpdir()): string => {
  removeLeft(parent);
  return mkdtempSync(path.join(parent, `sluice-up-${process.pid}-`));
};

/** Removes what processes of the same person left here that were killed. */
const removeLeft = (parent: string): void => {
  for (const name of readdirSync(parent)) {
    const [, pid] = NAME.exec(name) ?? [];
    const folder = path.join(parent, name);
    if (pid !== undefined && isOwn(folder) && !isRunning(Number(pid)))
      rmSync(folder, { recursive: true, force: true });
  }
};

/** A folder that another process removes meanwhile is nobody's. */
const isOwn = (folder: string): boolean =>
  statSync(folder, { throwIfNoEntry: false })?.uid === process.getuid?.();
