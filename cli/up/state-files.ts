/** What a running stack leaves in its state directory for the other commands: where it listens, and the token. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ENDPOINT_FILE, TOKEN_FILE } from '#cli/discovery.ts';
import type { Endpoint } from '#cli/discovery.ts';

/** Writes both files; the token is readable by its owner alone. Answers the token's path. */
export const writeStateFiles = (stateDir: string, endpoint: Endpoint, token: string): string => {
  mkdirSync(stateDir, { recursive: true });
  const tokenFile = path.join(stateDir, TOKEN_FILE);
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  // The mode above counts only for a new file.
  chmodSync(tokenFile, 0o600);
  writeFileSync(path.join(stateDir, ENDPOINT_FILE), `${JSON.stringify(endpoint)}\n`);
  return tokenFile;
};

/** Removes the sign that something runs here. */
export const removeEndpoint = (stateDir: string): void =>
  rmSync(path.join(stateDir, ENDPOINT_FILE), { force: true });
