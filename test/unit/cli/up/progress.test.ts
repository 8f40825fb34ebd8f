import process from 'node:process';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Client } from '#cli/client.ts';
import { openOutputHash } from '#domain/market/output-hash.ts';
import { showProgress } from '#cli/up/progress.ts';
import type { Progress } from '#cli/up/progress.ts';

let written: string[];
const isTTY = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
beforeEach(() => {
  written = [];
  vi.useFakeTimers();
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  Object.defineProperty(process.stderr, 'isTTY', isTTY ?? { value: undefined, configurable: true });
});

const onTerminal = (value: boolean): void =>
  void Object.defineProperty(process.stderr, 'isTTY', { value, configurable: true });
const progress = (): Progress => ({
  ...{ events: 7, planned: 2, startedAtMs: 0, runs: [] },
  published: {
    records: 4,
    terminal: new Map([['r', 'EngineRunCompleted']]),
    lastAtMs: 0,
    hash: openOutputHash(),
    regimes: new Map([['AAA', 'TREND']]),
  },
});
const client = (request: Client['request']): Client => ({ workspace: 'main', request });
const oneRun = () =>
  Promise.resolve({ runs: [{ runId: 'run_1', state: 'RUNNING', taskCount: 4, tasksSucceeded: 1 }] });
const signal = new AbortController().signal;

it('rewrites one line on a terminal, and shows the last state at its end', async () => {
  onTerminal(true);
  const hide = showProgress(progress(), client(oneRun), signal);

  await vi.advanceTimersByTimeAsync(500);
  await hide();
  await vi.advanceTimersByTimeAsync(500);

  expect(written).toHaveLength(3);
  expect(written[0]).toMatch(/^\r\u001b\[2K.*records 7 {2}engine runs 1 {2}published 4.* AAA TREND$/);
  expect(written[2]).toMatch(/run RUNNING 1\/4.*\n$/);
});

it('writes a line now and then elsewhere', async () => {
  onTerminal(false);
  const hide = showProgress(progress(), client(oneRun), signal);

  await vi.advanceTimersByTimeAsync(4_000);
  await hide();

  expect(written).toHaveLength(3);
  expect(written.join('')).not.toContain('\u001b');
});

it('asks for runs one look at a time, none after the signal, and bears a look that fails', async () => {
  onTerminal(false);
  const stop = new AbortController();
  let asked = 0;
  let answer: (runs: unknown) => void = () => undefined;
  const slow: Client['request'] = () => {
    asked++;
    return new Promise((resolve, reject) => {
      answer = (runs) => (runs === undefined ? reject(new Error('down')) : resolve(runs));
    });
  };
  const hide = showProgress(progress(), client(slow), stop.signal);

  await vi.advanceTimersByTimeAsync(4_000);
  expect(asked).toBe(1);
  answer(undefined);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked).toBe(2);
  answer({ runs: [] });
  await vi.advanceTimersByTimeAsync(0);
  stop.abort();
  await vi.advanceTimersByTimeAsync(4_000);
  expect(asked).toBe(2);
  const hidden = hide();
  answer({ runs: [] });
  await hidden;
});
