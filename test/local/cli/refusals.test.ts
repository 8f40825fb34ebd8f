/** What the command line refuses, in one line for people and one document for programs, and with which exit code. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { httpClient } from '#cli/client.ts';
import { sluice } from '#test/support/cli.ts';
import { testFolder } from '#test/support/folders.ts';

/** A server that answers everything alike. */
const answering = async (status: number, body: string): Promise<string> => {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

/** Runs a command against a place that answers so. */
const asked = async (status: number, body: unknown, ...args: readonly string[]) => {
  vi.stubEnv('SLUICE_URL', await answering(status, typeof body === 'string' ? body : JSON.stringify(body)));
  vi.stubEnv('SLUICE_TOKEN', 'token');
  return sluice(...args).finally(() => vi.unstubAllEnvs());
};

describe('a refusal', () => {
  it('of the server is told with its code, its message and its faults', async () => {
    const faults = [{ path: 'assets[0].id', message: 'must not be blank' }];
    const refused = { code: 'invalid_manifest', message: '1 fault', details: { faults } };

    const text = await asked(400, refused, 'run', 'list');
    expect([text.code, text.stdout, text.stderr]).toEqual([
      1,
      '',
      'invalid_manifest: 1 fault\n  assets[0].id: must not be blank\n',
    ]);
    const document = await asked(400, { ...refused, details: { issues: faults } }, 'run', 'list', '--json');
    expect(JSON.parse(document.stderr)).toEqual({ ...refused, details: { issues: faults } });
  });

  it.each([
    ['nothing at all', 502, '', 'internal: status 502\n'],
    ['no JSON', 500, '<html>', /^internal: the answer \(500\) is no JSON: <html>\n$/],
    ['no code', 500, {}, 'internal: status 500\n'],
  ])('that says %s is told as what it is', async (_, status, body, said) => {
    const { code, stderr } = await asked(status, body, 'run', 'list');

    expect(code).toBe(1);
    expect(stderr).toMatch(said);
  });

  it('of an answer nobody expects is told with its trace, because it is a fault of ours', async () => {
    const text = await asked(200, { runs: 'none' }, 'run', 'list');
    expect([text.code, text.stderr]).toEqual([1, expect.stringMatching(/^unexpected: .*\n/)]);
    const document = await asked(200, { runs: 'none' }, 'run', 'list', '--json');
    expect(JSON.parse(document.stderr)).toMatchObject({ code: 'unexpected' });
  });

  it('of a place where nobody listens says so', async () => {
    vi.stubEnv('SLUICE_URL', 'http://127.0.0.1:9').stubEnv('SLUICE_TOKEN', 'token');

    const { code, stderr } = await sluice('run', 'list').finally(() => vi.unstubAllEnvs());

    expect([code, stderr]).toEqual([
      1,
      'unavailable: http://127.0.0.1:9 does not answer; is "sluice up" running?\n',
    ]);
  });

  it('of a request that was given up is the giving up itself', async () => {
    const client = httpClient({ url: await answering(200, '{}'), token: 't', workspace: 'main' });

    await expect(client.request('GET', '{ws}/runs', { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('without a stack', () => {
  it('every command that needs one says how to start it', async () => {
    const stateDir = testFolder();

    const { code, stderr } = await sluice('run', 'list', '--state', stateDir);

    expect([code, stderr]).toEqual([
      3,
      `not_found: no Sluice runs from ${stateDir}; start one with "sluice up" or set SLUICE_URL\n`,
    ]);
  });

  it('an address alone is not enough', async () => {
    vi.stubEnv('SLUICE_URL', 'http://127.0.0.1:9');

    const { code, stderr } = await sluice('run', 'list', '--state', testFolder()).finally(() =>
      vi.unstubAllEnvs(),
    );

    expect([code, stderr]).toEqual([
      3,
      expect.stringMatching(/^missing_token: no token in .*; set SLUICE_TOKEN\n$/),
    ]);
  });
});

describe('a command line', () => {
  it.each([
    [['launch'], /unknown command 'launch'/],
    [['run', 'start'], /required option '--select/],
    [['up', '--port', 'x'], /must be 0 to 65535/],
    [['up', '--port', '65536'], /must be 0 to 65535/],
    [['up', '--speed', '0x'], /must be max, unlimited, or a factor/],
    [['up', '--speed', 'fast'], /must be max, unlimited, or a factor/],
    [['up', '--speed', '2000000x'], /must be max, unlimited, or a factor/],
    [['up', '--patience', '0'], /must be 1 to 86400 seconds/],
    [['up', '--patience', '86401'], /must be 1 to 86400 seconds/],
    [['up', '--patience', '1.5'], /must be 1 to 86400 seconds/],
    [['up', '--format', 'xml'], /Allowed choices are jsonl, bars-csv/],
    [['up', '--tape', 'x', '--format', 'bars-csv'], /name it with --symbol/],
    [['up', '--loud'], /unknown option '--loud'/],
    [['up', '--tape', '/nowhere', '--speed', '60x', '--patience', '10', '--port', '1'], /tape_missing: /],
    [['up', '--tape', '/nowhere', '--format', 'bars-csv', '--symbol', 'A', '--json'], /tape_missing/],
    [['run', 'start', '--select', 'a', '--label', '=b'], /label =b is not key=value/],
    [['deploy', '/nowhere.json'], /not_found: cannot read \/nowhere.json/],
  ])('%j is refused with 2', async (args, said) => {
    vi.stubEnv('SLUICE_URL', 'http://127.0.0.1:9').stubEnv('SLUICE_TOKEN', 'token');

    const { code, stderr } = await sluice(...args).finally(() => vi.unstubAllEnvs());

    expect([code, stderr]).toEqual([2, expect.stringMatching(said)]);
  });

  it('is refused as one document with --json', async () => {
    const { code, stdout, stderr } = await sluice('launch', '--json');

    expect([code, stdout, JSON.parse(stderr)]).toEqual([
      2,
      '',
      { code: 'usage', message: "unknown command 'launch'" },
    ]);
  });

  it('names a document that is neither JSON nor YAML', async () => {
    vi.stubEnv('SLUICE_URL', 'http://127.0.0.1:9').stubEnv('SLUICE_TOKEN', 'token');
    const file = path.join(testFolder(), 'broken.json');
    writeFileSync(file, '{');

    const { code, stderr } = await sluice('deploy', file).finally(() => vi.unstubAllEnvs());

    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^invalid_json: .*broken.json is neither JSON nor YAML: /),
    ]);
  });

  it('that asks for help ends with 0', async () => {
    expect(await sluice('run', '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('start a run') as string,
    });
    expect(await sluice('--version')).toMatchObject({ code: 0, stdout: '0.1.0\n' });
  });
});

describe('a tape', () => {
  const bars = [
    'timestamp,open,high,low,close,volume',
    ...Array.from({ length: 9 }, (_, index) => `2026-02-03 04:0${index + 1}:00,1,2,1,1.5,10`),
  ].join('\n');
  const csv = ['--format', 'bars-csv', '--symbol', 'X'];

  it.each([
    [
      'whose bars have a malformed line',
      `${bars}\n2026-02-03 04:10:00,1,2,x,4,5\n`,
      csv,
      /malformed_tape_line.*line 11: low/,
    ],
    [
      'whose bars are out of order',
      `${bars}\n2026-02-03 04:09:00,1,2,1,4,5\n`,
      csv,
      /line 11: this bar does not end after/,
    ],
    [
      'whose JSON is broken',
      '{"source_id":"a","symbol":"B"}\n{"source_id":\n',
      [],
      /line 2: this is no JSON/,
    ],
  ])('%s is refused with 2 before anything is started', async (_, content, args, said) => {
    const file = path.join(testFolder(), 'tape');
    writeFileSync(file, content);

    const { code, stdout, stderr } = await sluice('up', '--ephemeral', '--tape', file, ...args);

    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(said)]);
  });
});
