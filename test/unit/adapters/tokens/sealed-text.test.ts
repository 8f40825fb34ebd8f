import { describe, expect, it } from 'vitest';
import { openText, sealText } from '#adapters/tokens/sealed-text.ts';

describe('a sealed text', () => {
  it('opens with its secret and its name, and says nothing before', () => {
    const sealed = sealText('secret', 'a', 'token');

    expect(openText('secret', 'a', sealed)).toBe('token');
    expect(sealed).not.toContain('token');
    expect(sealText('secret', 'a', 'token')).not.toBe(sealed);
  });

  it.each([
    ['another secret', 'other', 'a', (text: string) => text],
    ['another name', 'secret', 'b', (text: string) => text],
    [
      'a character changed',
      'secret',
      'a',
      (text: string) => `${text.slice(0, -2)}${text.endsWith('AA') ? 'BB' : 'AA'}`,
    ],
    ['an end that is missing', 'secret', 'a', (text: string) => text.slice(0, 8)],
    ['nothing', 'secret', 'a', () => ''],
  ])('does not open with %s', (_what, secret, name, change) => {
    expect(openText(secret, name, change(sealText('secret', 'a', 'token')))).toBeUndefined();
  });
});
