/** The `sluice` command as a process of its own, timed from outside. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';

export interface SluiceRun {
  /** The tree whose `cli/sluice.mjs` runs. */
  readonly root: string;
  readonly words: readonly string[];
  /** Variables besides those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Ends the process once this line has come. */
  readonly untilLine?: (line: string) => boolean;
}

export interface SluiceResult {
  readonly lastLine: string;
  /** From the start of the process to its last line of output. */
  readonly secondsToLine: number;
  /** From the start of the process to its end. */
  readonly seconds: number;
  /** The most memory it had resident, in MiB. */
  readonly peakMemoryMb: number;
}

/** The process itself says at its end how much memory it had at most: nobody else can know it exactly. */
const PEAK_LINE = 'peak memory of the process: ';
const tellsPeak = `data:text/javascript,${encodeURIComponent(
  `process.on('exit', () => process.stderr.write('\\n${PEAK_LINE}' + process.resourceUsage().maxRSS + '\\n'))`,
)}`;

const peakOf = (errors: string): number =>
  Number(errors.split(PEAK_LINE).at(1)?.split('\n').at(0) ?? Number.NaN) / 1024;

/** A process that has not ended by then never will. */
const SECONDS_MAX = 600;

/** Runs to the end, or to the line, within ten minutes; rejects with what it said when it failed. */
export const runSluice = async ({
  root,
  words,
  environment = {},
  untilLine,
}: SluiceRun): Promise<SluiceResult> => {
  const startedMs = performance.now();
  const elapsed = (): number => (performance.now() - startedMs) / 1000;
  const child = spawn(
    process.execPath,
    ['--import', tellsPeak, path.join(root, 'cli/sluice.mjs'), ...words],
    {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const killer = setTimeout(() => child.kill('SIGKILL'), SECONDS_MAX * 1000);
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  let lastLine = '';
  let secondsToLine = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    lastLine = line;
    secondsToLine = elapsed();
    if (untilLine?.(line) === true) {
      child.kill('SIGTERM');
      break;
    }
  }
  const code = await ended;
  clearTimeout(killer);
  if (lastLine === '' || (code !== 0 && untilLine === undefined))
    throw new Error(
      `sluice ${words.join(' ')} ended with ${code}: ${Buffer.concat(errors).toString('utf8')}`,
    );
  const peakMemoryMb = peakOf(Buffer.concat(errors).toString('utf8'));
  return { lastLine, secondsToLine, seconds: elapsed(), peakMemoryMb };
};
