import { describe, expect, it } from 'vitest';
import { ApiKeyId, TenantId } from '#contracts/ids.ts';
import { isApiKeyText, isSameHash, mintApiKey, readApiKey } from '#adapters/tokens/api-key.ts';
import { redactSecrets } from '#domain/kernel/redact.ts';

const tenantId = TenantId.parse('acme-2');
const keyId = ApiKeyId.parse('key_01JZZZZZZZZZZZZZZZZZZZZZZZ');

describe('the text of an API key', () => {
  it('names tenant and key, and is read back to the hash that is kept', () => {
    const { text, secretHash } = mintApiKey(tenantId, keyId);

    expect(isApiKeyText(text)).toBe(true);
    expect(readApiKey(text)).toEqual({ tenantId, keyId, secretHash });
    expect(secretHash).toMatch(/^[0-9a-f]{64}$/);
    expect(text).not.toContain(secretHash);
  });

  it('has 256 random bits, other ones each time', () => {
    const secrets = Array.from({ length: 20 }, () =>
      mintApiKey(tenantId, keyId).text.split('_').slice(3).join('_'),
    );

    expect(new Set(secrets).size).toBe(20);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  });

  it('is hidden wherever free text is', () => {
    const { text } = mintApiKey(tenantId, keyId);

    expect(redactSecrets(`it said ${text}.`)).not.toContain(text.slice(-20));
  });

  it.each([
    'slk_',
    'slk_acme',
    `slk_Acme_01JZZZZZZZZZZZZZZZZZZZZZZZ_${'a'.repeat(43)}`,
    `slk_acme_01JZZZZZZZZZZZZZZZZZZZZZZZ_${'a'.repeat(42)}`,
    `slk_acme_01JZZZZZZZZZZZZZZZZZZZZZZZ_${'a'.repeat(44)}`,
    `slk_acme_01JZZZZZZZZZZZZZZZZZZZZZZU_${'a'.repeat(43)}`,
    `slk_acme_01JZZZZZZZZZZZZZZZZZZZZZZZ_${'a'.repeat(42)}!`,
  ])('is not %s', (text) => {
    expect(readApiKey(text)).toBeUndefined();
  });
});

it('hashes are the same or not, whatever their length', () => {
  expect(isSameHash('ab', 'ab')).toBe(true);
  expect(isSameHash('ab', 'ac')).toBe(false);
  expect(isSameHash('ab', 'abc')).toBe(false);
});
