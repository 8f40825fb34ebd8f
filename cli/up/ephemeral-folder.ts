/** Where `--ephemeral` keeps its token and the code it runs. Who ends orderly leaves nothing; who is killed leaves it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
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

/** Removes what processes left here that were killed; what somebody else owns stays. */
const removeLeft = (parent: string): void => {
  for (const name of readdirSync(parent)) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (Number.isNaN(pid) || isRunning(pid)) continue;
    try {
      rmSync(path.join(parent, name), { recursive: true, force: true });
    } catch (error) {
      if (!isForeign(error)) throw error;
    }
  }
};

const isForeign = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
