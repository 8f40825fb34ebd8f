/**
 * The `aws-chunked` form of a body: chunks with a length in hex and perhaps a signature, then perhaps trailing
 * headers that carry a checksum. Signatures are not verified, as nowhere in the local cloud.
 */
import { AwsError } from '#local/kernel/aws-error.ts';

export interface PlainBody {
  readonly body: Uint8Array;
  /** Trailing headers, names in lower case. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** Whether a request with these headers (lower case) has a body in chunks. */
export const isChunked = (headers: Readonly<Record<string, string>>): boolean =>
  (headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-') ||
  encodingsOf(headers['content-encoding']).includes('aws-chunked');

/** The encodings that stay with the object: all but `aws-chunked`. */
export const keptEncoding = (header: string | undefined): string | undefined => {
  const kept = encodingsOf(header).filter((encoding) => encoding !== 'aws-chunked');
  return kept.length === 0 ? undefined : kept.join(',');
};

const encodingsOf = (header = ''): readonly string[] =>
  header
    .split(',')
    .map((encoding) => encoding.trim())
    .filter((encoding) => encoding !== '');

/** Joins the chunks; a body that ends early or does not have the announced length is refused. */
export const plainBody = (chunked: Uint8Array, announcedLength: string | undefined): PlainBody => {
  const bytes = Buffer.from(chunked.buffer, chunked.byteOffset, chunked.byteLength);
  const parts: Buffer[] = [];
  let offset = 0;
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', offset);
    const size = /^([0-9a-fA-F]{1,8})(;.*)?$/.exec(
      bytes.toString('latin1', offset, Math.max(lineEnd, offset)),
    )?.[1];
    if (lineEnd < 0 || size === undefined) throw incomplete();
    const length = parseInt(size, 16);
    offset = lineEnd + 2;
    if (length === 0) break;
    if (offset + length + 2 > bytes.length) throw incomplete();
    parts.push(bytes.subarray(offset, offset + length));
    offset += length + 2;
  }
  const body = Buffer.concat(parts);
  if (announcedLength !== undefined && Number(announcedLength) !== body.length) throw incomplete();
  return { body, trailers: trailersOf(bytes.toString('latin1', offset)) };
};

const trailersOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    text.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
    }),
  );

const incomplete = (): AwsError => new AwsError('IncompleteBody', 'The request body terminated unexpectedly');
