import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { issuerKeyFile, localIssuer } from '#local/boot/issuer.ts';
import { virtualClock } from '#local/kernel/clock.ts';

let stateDir = '';
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'issuer-'));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const issuer = () =>
  localIssuer({
    userPoolId: 'pool',
    region: 'us-east-1',
    audience: 'client',
    clock: virtualClock(0),
    stateDir,
  });

describe('the key of the local issuer', () => {
  it('lies whole in a file of its owner alone, and is the same next time', () => {
    const [first, second] = [issuer(), issuer()];

    expect(readdirSync(stateDir)).toEqual([issuerKeyFile]);
    expect(statSync(join(stateDir, issuerKeyFile)).mode & 0o777).toBe(0o600);
    expect([...second.documents]).toEqual([...first.documents]);
  });

  it('is written in spite of what a killed process left beside it', () => {
    writeFileSync(join(stateDir, `${issuerKeyFile}.fresh`), '{"kty"');

    issuer();

    expect(readdirSync(stateDir)).toEqual([issuerKeyFile]);
  });

  it.each(['', '{"kty":"EC"', '{}', 'null', '{"kty":"EC","crv":"P-256"}'])(
    'is refused by name when its file holds %j',
    (text) => {
      writeFileSync(join(stateDir, issuerKeyFile), text);

      expect(issuer).toThrow(
        expect.objectContaining({
          name: 'StateDirectoryError',
          code: 'state_corrupt',
          message: expect.stringContaining(issuerKeyFile) as string,
        }),
      );
    },
  );
});
