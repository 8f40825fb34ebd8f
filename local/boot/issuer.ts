/**
 * The OIDC issuer behind a Cognito pool of the template: the cloud signs the tokens itself and serves the pool's
 * documents. Its key lives in memory, or in the state directory in a file only its owner can read.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cognitoClaim, principalClaims } from '#contracts/roles.ts';
import { StateDirectoryError, unwritable } from '#local/journal/state-directory-error.ts';
import type { Clock } from '#local/kernel/clock.ts';

/** The name of the key file in a state directory. */
export const issuerKeyFile = 'issuer-key.json';

const TOKEN_LIFE_S = 12 * 3600;

/** Whose tokens are issued, and where the key is kept. */
export interface IssuerParts {
  readonly userPoolId: string;
  readonly region: string;
  /** Audience of tokens that name none: the id of the pool's client. */
  readonly audience: string;
  readonly clock: Clock;
  readonly stateDir?: string;
}

/** Signs tokens and publishes the key they are verified with. */
export interface Issuer {
  /** What tokens carry as `iss`, as Cognito spells it. */
  readonly url: string;
  /**
   * A signed ID token, with the claims of a principal spelled as Cognito does; `iss`, `aud`, `iat` and `exp`
   * (12 hours) are filled in unless given.
   */
  readonly mintToken: (claims: Readonly<Record<string, unknown>>) => string;
  /** The pool's public documents by path, for example `/<pool>/.well-known/jwks.json`. */
  readonly documents: ReadonlyMap<string, string>;
}

/** An issuer with its own key, the same after a restart when there is a state directory. */
export const localIssuer = ({ userPoolId, region, audience, clock, stateDir }: IssuerParts): Issuer => {
  const privateJwk = stateDir === undefined ? newKey() : storedKey(join(stateDir, issuerKeyFile));
  const privateKey = createPrivateKey({ key: privateJwk, format: 'jwk' });
  const publicJwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const kid = createHash('sha256').update(JSON.stringify(publicJwk)).digest('base64url').slice(0, 16);
  const url = `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`;
  const header = encode({ alg: 'ES256', typ: 'JWT', kid });
  return {
    url,
    mintToken: (claims) => {
      const issuedAt = Math.floor(clock.nowMs() / 1000);
      const payload = encode({
        iss: url,
        aud: audience,
        token_use: 'id',
        iat: issuedAt,
        exp: issuedAt + TOKEN_LIFE_S,
        ...asCognitoSpells(claims),
      });
      const signed = `${header}.${payload}`;
      const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${signed}.${signature.toString('base64url')}`;
    },
    documents: new Map([
      [
        `/${userPoolId}/.well-known/jwks.json`,
        JSON.stringify({ keys: [{ ...publicJwk, kid, alg: 'ES256', use: 'sig' }] }),
      ],
      [
        `/${userPoolId}/.well-known/openid-configuration`,
        JSON.stringify({
          issuer: url,
          jwks_uri: `${url}/.well-known/jwks.json`,
          id_token_signing_alg_values_supported: ['ES256'],
          response_types_supported: ['token'],
          subject_types_supported: ['public'],
        }),
      ],
    ]),
  };
};

const asCognitoSpells = (claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => {
      const claim = principalClaims.find((candidate) => candidate === name);
      return [claim === undefined ? name : cognitoClaim(claim), value];
    }),
  );

const newKey = (): JsonWebKey =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });

const storedKey = (path: string): JsonWebKey => {
  if (existsSync(path)) return readKey(path);
  const key = newKey();
  writeKey(path, key);
  return key;
};

const readKey = (path: string): JsonWebKey => {
  try {
    const key = JSON.parse(readFileSync(path, 'utf8')) as JsonWebKey;
    createPrivateKey({ key, format: 'jwk' });
    return key;
  } catch (error) {
    throw new StateDirectoryError(
      'state_corrupt',
      `the key of the token issuer is not usable: ${path}; restore a backup, or remove the file to issue new tokens`,
      error,
    );
  }
};

/** Written aside and renamed: a kill leaves the whole file or none. */
const writeKey = (path: string, key: JsonWebKey): void => {
  const fresh = `${path}.fresh`;
  try {
    writeFileSync(fresh, JSON.stringify(key), { mode: 0o600, flush: true });
    renameSync(fresh, path);
  } catch (error) {
    throw unwritable(path, error);
  }
};

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
