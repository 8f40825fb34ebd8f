import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync, inflateRawSync, unzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { physicalName, tableNames } from '#contracts/naming.ts';
import { awsClients } from '#test/support/aws-clients.ts';
import { plantSecrets } from '#test/support/planted-secrets.ts';
import type { Planted, Send } from '#test/support/planted-secrets.ts';
import { runSluice, serve, temporaryFolder } from '#test/support/process.ts';
import { bootStacks } from '#test/local/cloud/stack-fixture.ts';

/** Which secrets stand in a text; their names, not their values, so that a failure does not print them. */
const found = ({ secrets }: Planted, text: string): readonly string[] =>
  Object.entries(secrets)
    .filter(([, secret]) => text.includes(secret))
    .map(([name]) => name);

/** Every way the bytes may have been packed. */
const unpacked = (bytes: Uint8Array): readonly string[] =>
  [(raw: Uint8Array) => raw, unzipSync, inflateRawSync, brotliDecompressSync].flatMap((unpack) => {
    try {
      return [Buffer.from(unpack(bytes)).toString('utf8')];
    } catch {
      return [];
    }
  });

/** Every item of the tables as text, packed attributes unpacked. */
const tableTexts = async (awsUrl: string): Promise<readonly string[]> => {
  const { dynamodb, destroy } = awsClients(awsUrl);
  const texts: string[] = [];
  for (const name of tableNames) {
    const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName: physicalName('dev', name) }));
    for (const item of Items) {
      texts.push(JSON.stringify(item));
      for (const { B } of Object.values(item)) if (B) texts.push(...unpacked(B));
    }
  }
  destroy();
  return texts;
};

/** What may hold credentials: the token, the issuer's key and the vault, each readable by its owner alone. */
const KEPT_SAFE = new Set(['token', 'issuer-key.json', 'vault.json']);

describe('secrets planted in every input', () => {
  const folder = temporaryFolder();
  const stateDir = path.join(folder, 'state');
  let planted: Planted;
  let tables: readonly string[];
  let said: readonly string[];

  beforeAll(async () => {
    const serving = await serve(['--state', stateDir]);
    const send: Send = async ({ method, path: target, token, headers, body }) => {
      const answer = await fetch(serving.url + target, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: answer.status, text: await answer.text() };
    };
    planted = await plantSecrets(send, serving.token, 10_000);
    tables = await tableTexts(serving.awsUrl);
    const environment = { SLUICE_TOKEN: planted.secrets['Bearer'] ?? '' };
    const refused = await runSluice(['run', 'list', '--state', stateDir], { environment });
    await serving.stop();
    const { stdout, stderr } = serving.sluice;
    said = [...stdout, ...stderr, ...refused.stdout, ...refused.stderr];
  });

  it('reach the places they were planted in', () => {
    expect(planted.statuses).toEqual([401, 401, 400, 400, 401, 200, 200, 200]);
    expect(tables.join('\n')).toContain('[redacted]');
  });

  it('stand in no answer to a client', () => {
    expect(found(planted, planted.answers.join('\n'))).toEqual([]);
  });

  it('stand in no row, event or document', () => {
    expect(found(planted, tables.join('\n'))).toEqual([]);
  });

  it('stand in nothing the process says', () => {
    expect(found(planted, said.join('\n'))).toEqual([]);
  });

  it('stand nowhere in the state directory outside the files that keep credentials', () => {
    const files = readdirSync(stateDir).filter((name) => !KEPT_SAFE.has(name));
    const holding = files.flatMap((name) =>
      found(planted, readFileSync(path.join(stateDir, name)).toString('latin1')).map((secret) => [
        name,
        secret,
      ]),
    );

    expect(files.length).toBeGreaterThan(1);
    expect(holding).toEqual([]);
  });

  it('stand in no line a function logs', async () => {
    const lines: string[] = [];
    const cloud = await bootStacks({ log: (line) => lines.push(line) });
    const token = cloud.mintToken({
      sub: 'admin',
      tenant_id: 'local',
      workspace_id: '*',
      role: 'admin',
      exp: cloud.clock.nowMs() / 1000 + 3600,
    });
    const send: Send = async ({ method, path: target, token: given, headers, body }) => {
      await cloud.advance(1_000);
      return cloud.request(method, target, {
        headers: { authorization: `Bearer ${given}`, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body }),
      });
    };
    const logged = await plantSecrets(send, token, 0);
    await cloud.close();

    expect(lines.length).toBeGreaterThan(0);
    expect(found(logged, lines.join('\n'))).toEqual([]);
  });
});
