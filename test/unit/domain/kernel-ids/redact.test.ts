import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactJson, redactSecrets } from '#domain/kernel/redact.ts';

const key = '-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----';

describe('redactSecrets', () => {
  it.each([
    ['Authorization: Bearer abc.def-ghi_jkl', 'abc.def'],
    ['got header "authorization":"Basic dXNlcjpwYXNz"', 'dXNlcjpwYXNz'],
    ['called with bearer 0123456789abcdef', '0123456789abcdef'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl rejected', 'eyJhbGciOiJIUzI1NiJ9'],
    ['access key AKIAIOSFODNN7EXAMPLE is old', 'AKIAIOSFODNN7EXAMPLE'],
    ['key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEK3Y leaked', 'wJalrXUtnFEMI'],
    ['aws_secret_access_key = short', 'short'],
    ['password=hunter2 and more', 'hunter2'],
    ['DB_PASSWORD: "two words"', 'two words'],
    ["client_secret='it is'", 'it is'],
    ['{"token":"t-1"}', 't-1'],
    ['{\\"password\\":\\"t-2\\"}', 't-2'],
    ['secret: s3cr3t', 's3cr3t'],
    ['postgres://app:pa55@db.example/x', 'pa55'],
    ['https://token-only@host/x', 'token-only'],
    ['github ghp_abcdefghijklmnop', 'ghp_abcdefghijklmnop'],
    [`pem ${key} end`, 'MIIEow'],
    ['cut -----BEGIN PRIVATE KEY-----\nMIIEow', 'MIIEow'],
  ])('hides the secret of %s', (text, secret) => {
    expect(redactSecrets(text)).not.toContain(secret);
    expect(redactSecrets(text)).toContain('[redacted]');
  });

  it.each([
    'gap in tape at 2026-01-02T21:00:41Z for BTC-USD',
    'read 390 rows from s3://lake/bars/2026-01-02/ in 812 ms',
    'KeyError: "close" at bars.py:42, column 7 of 12',
    'sha256 307f111889af90df32b535401661a6bce79a9fe109ee899bed595352d7748efc does not match',
    'the tokeniser split the passage; secrets of the trade',
    'see https://example.com/docs/a?b=c#d and mail ops@acme.example',
    'attempt att_a7376ffcf0268ca0d38f1338 of run_01JQ8Z3T5N6M7P8Q9R0S1T2V3W',
    'a bearer of bad news',
  ])('leaves %s as it is', (text) => {
    expect(redactSecrets(text)).toBe(text);
  });

  it('keeps the text around a secret', () => {
    expect(redactSecrets('before password=hunter2, after')).toBe('before password=[redacted], after');
    expect(redactSecrets('x postgres://u:p@db/y z')).toBe('x postgres://[redacted]@db/y z');
  });

  it('hides every planted secret in any surroundings', () => {
    const secret = fc
      .array(fc.constantFrom(...Array.from('ABCDEFghijkl0123456789')), { minLength: 16, maxLength: 30 })
      .map((letters) => `Zq9${letters.join('')}`);
    const dress = fc.constantFrom<(value: string) => string>(
      (value) => `password=${value}`,
      (value) => `"api_key": "${value}"`,
      (value) => `token: ${value}`,
      (value) => `Bearer ${value}`,
      (value) => `Authorization: Bearer ${value}`,
      (value) => `amqp://user:${value}@host:5672/v`,
      (value) => `eyJ${value}.${value}.${value}`,
      (value) => `AKIA${value.toUpperCase()}`,
      (value) => `-----BEGIN PRIVATE KEY-----\n${value}\n-----END PRIVATE KEY-----`,
    );
    const prose = fc.constantFrom('', 'it failed: ', '{"a":1} ', 'line one\nline two\t', 'user=bob ');
    fc.assert(
      fc.property(secret, dress, prose, prose, (value, wrap, before, after) => {
        const text = redactSecrets(`${before}${wrap(value)} ${after}`);
        expect(text.toUpperCase()).not.toContain(value.toUpperCase());
      }),
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9 ,;.=:-]*$/), (text) => {
        const once = redactSecrets(`password=${text} Bearer abcdefghij ${text}`);
        expect(redactSecrets(once)).toBe(once);
      }),
    );
  });
});

describe('redactJson', () => {
  it('goes into every value and leaves numbers, booleans and null alone', () => {
    expect(
      redactJson({
        rows: 3,
        done: true,
        none: null,
        notes: ['token=abc', 'fine'],
        apiKey: 'x',
        nested: { pwd: 'y' },
      }),
    ).toEqual({
      rows: 3,
      done: true,
      none: null,
      notes: ['token=[redacted]', 'fine'],
      apiKey: '[redacted]',
      nested: { pwd: '[redacted]' },
    });
    expect(redactJson('secret=1')).toBe('secret=[redacted]');
    expect(redactJson({ token: { count: 3 } })).toEqual({ token: { count: 3 } });
  });
});
