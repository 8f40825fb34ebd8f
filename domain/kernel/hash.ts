/** The one door to node:crypto in the domain: hashes as text, so that ids and content addresses stay pure. */
import { createHash, createHmac } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** RFC 4648 base32 in lower case without padding. */
export const base32 = (bytes: Uint8Array): string => {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((buffer >> bits) & 31);
    }
    buffer &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET.charAt((buffer << (5 - bits)) & 31);
};

/** 64 lower-case hex characters of SHA-256 over the bytes, or over the UTF-8 of a text. */
export const sha256Hex = (content: string | Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');

/** The first `length` (26 unless told, 52 at most) base32 characters of SHA-256. */
export const sha256Base32 = (content: string | Uint8Array, length = 26): string =>
  base32(createHash('sha256').update(content).digest()).slice(0, length);

/** The 32 bytes of HMAC-SHA256 of a text under a secret. */
export const hmacSha256 = (secret: string | Uint8Array, text: string): Uint8Array =>
  createHmac('sha256', secret).update(text).digest();
