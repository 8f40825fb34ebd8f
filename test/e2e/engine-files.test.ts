import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { temporaryFolder } from '#test/support/process.ts';
import { repositoryRoot } from '#tools/torture/sluice-process.ts';

const folder = temporaryFolder();
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path.join(folder, name), content);
  return path.join(folder, name);
};
const sample = (name: string): string =>
  JSON.stringify(JSON.parse(readFileSync(path.join(repositoryRoot, `events/${name}.v1.json`), 'utf8')));

const start = (...args: readonly string[]) =>
  spawn(process.execPath, [path.join(repositoryRoot, 'cli/sluice.mjs'), ...args], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
/** Runs a command over some input and answers its exit code, output lines and remarks. */
const sluice = async (input: string, ...args: readonly string[]) => {
  const child = start(...args);
  child.stdin.end(input);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { code, lines: stdout.split('\n').filter((line) => line !== ''), stderr };
};

const config = file('simulation.json', sample('configuration/SimulationConfig'));
const record = `${sample('lines/RawInputBufferRecord')}\n`;

it('answers lines of each kind without a stack', async () => {
  const [run, decide, believe] = await Promise.all([
    sluice(`${sample('lines/RegimeInputSnapshot')}\nno json\n`, 'engine', 'run'),
    sluice(
      `${sample('records/RegimeOutput')}\n`,
      'engine',
      'decide',
      '--config',
      file('d.json', sample('configuration/DecisionHysteresisConfig')),
    ),
    sluice(
      `${sample('lines/RegimeState')}\n`,
      'engine',
      'believe',
      '--config',
      file('b.json', sample('configuration/BeliefHysteresisConfig')),
    ),
  ]);

  expect([run, decide, believe].map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ''],
    [0, ''],
    [0, ''],
  ]);
  expect(run.lines.map((line) => Object.keys(JSON.parse(line) as object)[0])).toEqual(['symbol', 'error']);
  expect(JSON.parse(decide.lines[0] ?? '')).toMatchObject({ transition: { stable_regime: 'CHOP_BALANCED' } });
  expect(JSON.parse(believe.lines[0] ?? '')).toMatchObject({
    schema: 'hysteresis_state',
    progress_required: 2,
  });
});

it('decodes recorded messages of a venue, and evaluates what was decided', async () => {
  const messages = readFileSync(path.join(repositoryRoot, 'events/venues/binance-usdm.jsonl'), 'utf8');
  const log = path.join(folder, 'regime-log');
  const [decode, decide] = await Promise.all([
    sluice(messages, 'market', 'decode'),
    sluice(`${sample('records/RegimeOutput')}\n`, 'engine', 'decide', '--regime-log', log),
  ]);
  const [day = ''] = readdirSync(log);
  const evaluate = await sluice(
    readFileSync(path.join(log, day), 'utf8'),
    ...['engine', 'evaluate', '--key', 'truth'],
  );

  expect([decode.code, decide.code, evaluate.code]).toEqual([0, 0, 0]);
  expect(decode.lines).toHaveLength(18);
  expect(JSON.parse(evaluate.lines[0] ?? '')).toMatchObject({ key: 'truth', flip_frequency: { updates: 1 } });
});

it('answers a line before the next one comes', async () => {
  const child = start('engine', 'run');
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const next = () =>
    new Promise<string>((resolve) => child.stdout.once('data', (part: Buffer) => resolve(String(part))));

  const first = next();
  child.stdin.write('{"symbol":"A","timestamp":1}\n');
  expect(await first).toContain('"timestamp":1');
  const second = next();
  child.stdin.write('{"symbol":"A","timestamp":2}\n');
  expect(await second).toContain('"timestamp":2');
  child.stdin.end();
  expect(await closed).toBe(0);
});

it('simulates a feed from a plain log, a packed one, and standard input alike', async () => {
  const plain = file('log.jsonl', record);
  const packed = file('log.jsonl.gz', gzipSync(record));
  const over = file(
    'over.json',
    JSON.stringify({ ...JSON.parse(sample('configuration/SimulationConfig')), tempo: 1 }),
  );

  const [ofPlain, ofPacked, ofInput, records] = await Promise.all([
    sluice('', 'feed', 'simulate', '--config', config, '--log', plain),
    sluice('', 'feed', 'simulate', '--config', config, '--log', packed),
    sluice(record, 'feed', 'simulate', '--config', over, '--log', '-'),
    sluice('', 'feed', 'simulate', '--config', config, '--log', plain, '--records'),
  ]);

  expect(ofPlain.lines.map((line) => (JSON.parse(line) as { event_type: string }).event_type)).toEqual([
    'EngineRunStarted',
    'HysteresisStatePublished',
    'EngineRunCompleted',
  ]);
  expect([ofPacked.lines, ofInput.lines]).toEqual([ofPlain.lines, ofPlain.lines]);
  expect(ofInput.stderr).toContain('do nothing: tempo');
  expect(JSON.parse(records.lines[0] ?? '')).toMatchObject({ status: 'started', symbol: 'SOL-PERP' });
});

it.each([
  ['a configuration that is not there', ['engine', 'decide', '--config', 'none.json']],
  ['a configuration that breaks a rule', ['engine', 'run', '--config', config]],
  ['a key nobody knows', ['engine', 'evaluate', '--key', 'other']],
  ['sources that are none', ['market', 'decode', '--config', config]],
  ['no log', ['feed', 'simulate', '--config', config]],
  ['a log that is not there', ['feed', 'simulate', '--config', config, '--log', 'none.jsonl']],
])('ends with 2 on %s', async (_name, args) => {
  const { code, lines, stderr } = await sluice('', ...args);

  expect([code, lines]).toEqual([2, []]);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});
