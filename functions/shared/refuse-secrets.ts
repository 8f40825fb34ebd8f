/**
 * Keeps secrets out of fields that identify things (law 10). Free text is redacted, but a label, a key or a name is
 * part of fingerprints and ids: changing it would break them, so a value that looks like a secret is refused.
 */
import { redactSecrets } from '#domain/kernel/redact.ts';
import { ApiError } from '#functions/shared/api-error.ts';

/** Refuses with `invalid_request`, naming where, when a string anywhere in the value looks like a secret. */
export const refuseSecrets = (value: unknown, path = ''): void => {
  if (typeof value === 'string') {
    if (redactSecrets(value) !== value) throw refusal(path);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const place = path === '' ? name : `${path}.${name}`;
    if (redactSecrets(name) !== name) throw refusal(path);
    // A pair such as password and its value gives itself away only when both are read together.
    if (typeof member === 'string' && redactSecrets(`${name}: ${member}`) !== `${name}: ${member}`)
      throw refusal(place);
    refuseSecrets(member, place);
  }
};

const refusal = (path: string): ApiError =>
  new ApiError(
    'invalid_request',
    `${path === '' ? 'the body' : path} looks like a secret; the ledger keeps what it is given, so send a reference instead`,
  );
