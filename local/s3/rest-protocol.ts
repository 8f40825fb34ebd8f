/** S3 on the wire: REST with XML, path-style and virtual-host style. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { WireRequest, WireResponse } from '#local/wire/message.ts';
import { readRequest } from './rest-request.ts';
import type { XmlNode } from './xml.ts';
import { xmlDocument } from './xml.ts';

/** Calls an operation of the engine, usually through the dispatcher. */
export type CallS3 = (operation: string, input: Json) => Promise<Json> | Json;

/** Answers one request; refusals become XML errors, other errors are thrown on. */
export const handleS3 = async (request: WireRequest, call: CallS3): Promise<WireResponse> => {
  try {
    const { operation, input } = readRequest(request);
    return writeAnswer(operation, await call(operation, input), request);
  } catch (thrown) {
    if (thrown instanceof AwsError) return writeRefusal(thrown, request);
    throw thrown;
  }
};

const requestId = { 'x-amz-request-id': 'LOCAL', 'x-amz-id-2': 'LOCAL' };
const nothing = new Uint8Array();

/** Headers of an object, by the member they carry. */
const headerOfMember: Readonly<Record<string, string>> = {
  ContentType: 'content-type',
  ContentEncoding: 'content-encoding',
  ContentDisposition: 'content-disposition',
  ContentLanguage: 'content-language',
  CacheControl: 'cache-control',
  Expires: 'expires',
  ContentRange: 'content-range',
  AcceptRanges: 'accept-ranges',
  ETag: 'etag',
  BucketRegion: 'x-amz-bucket-region',
  TagCount: 'x-amz-tagging-count',
  Location: 'location',
};
const headerOfChecksum: Readonly<Record<string, string>> = {
  ChecksumCRC32: 'x-amz-checksum-crc32',
  ChecksumCRC32C: 'x-amz-checksum-crc32c',
  ChecksumCRC64NVME: 'x-amz-checksum-crc64nvme',
  ChecksumSHA1: 'x-amz-checksum-sha1',
  ChecksumSHA256: 'x-amz-checksum-sha256',
};

const writeAnswer = (operation: string, output: Json, request: WireRequest): WireResponse => {
  switch (operation) {
    case 'ListBuckets':
      return xmlAnswer(bucketList(output));
    case 'ListObjectsV2':
      return xmlAnswer(objectList(output, new URLSearchParams(request.query).get('encoding-type') === 'url'));
    case 'CopyObject':
      return xmlAnswer([
        'CopyObjectResult',
        [
          ['ETag', text(output['ETag'])],
          ['LastModified', instant(output['LastModified'])],
        ],
      ]);
    case 'DeleteObjects':
      return xmlAnswer([
        'DeleteResult',
        listOf(output['Deleted']).map((deleted) => ['Deleted', [['Key', text(deleted['Key'])]]] as const),
      ]);
    case 'DeleteObject':
    case 'DeleteBucket':
      return { status: 204, headers: requestId, body: nothing };
    case 'GetObject':
    case 'HeadObject':
      return objectAnswer(output, request);
    default:
      return { status: 200, headers: { ...requestId, ...memberHeaders(output, true) }, body: nothing };
  }
};

const objectAnswer = (output: Json, { headers }: WireRequest): WireResponse => {
  const body = output['Body'] instanceof Uint8Array ? output['Body'] : nothing;
  const metadata = Object.entries((output['Metadata'] ?? {}) as Readonly<Record<string, string>>);
  return {
    status: output['ContentRange'] === undefined ? 200 : 206,
    headers: {
      ...requestId,
      ...memberHeaders(output, headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED'),
      ...Object.fromEntries(metadata.map(([name, value]) => [`x-amz-meta-${name}`, value])),
      'last-modified': new Date(Number(output['LastModified'])).toUTCString(),
      'content-length': text(output['ContentLength']),
    },
    body,
  };
};

const memberHeaders = (output: Json, hasChecksums: boolean): Readonly<Record<string, string>> => {
  const names = hasChecksums ? { ...headerOfMember, ...headerOfChecksum } : headerOfMember;
  return Object.fromEntries(
    Object.entries(names).flatMap(([member, header]) =>
      output[member] === undefined ? [] : [[header, text(output[member])]],
    ),
  );
};

const text = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : '';

const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

const instant = (value: unknown): string => new Date(Number(value)).toISOString();

const xmlAnswer = (node: XmlNode): WireResponse => ({
  status: 200,
  headers: { ...requestId, 'content-type': 'application/xml' },
  body: Buffer.from(xmlDocument(node)),
});

const bucketList = (output: Json): XmlNode => [
  'ListAllMyBucketsResult',
  [
    ['Owner', [['ID', text((output['Owner'] as Json | undefined)?.['ID'])]]],
    [
      'Buckets',
      listOf(output['Buckets']).map(
        (bucket) =>
          [
            'Bucket',
            [
              ['Name', text(bucket['Name'])],
              ['CreationDate', instant(bucket['CreationDate'])],
            ],
          ] as const,
      ),
    ],
  ],
];

const plainListMembers = [
  'Name',
  'MaxKeys',
  'KeyCount',
  'IsTruncated',
  'ContinuationToken',
  'NextContinuationToken',
];

/** A listing; `isEncoded` percent-encodes what may hold characters XML cannot. */
const objectList = (output: Json, isEncoded: boolean): XmlNode => {
  const name = (value: unknown): string =>
    isEncoded ? encodeURIComponent(text(value)).replaceAll('%2F', '/') : text(value);
  const present = (members: readonly string[], write: (value: unknown) => string): readonly XmlNode[] =>
    members.flatMap((member) =>
      output[member] === undefined ? [] : [[member, write(output[member])] as const],
    );
  return [
    'ListBucketResult',
    [
      ...present(plainListMembers, text),
      ...present(['Prefix', 'Delimiter', 'StartAfter'], name),
      ...(isEncoded ? [['EncodingType', 'url'] as const] : []),
      ...listOf(output['Contents']).map((content): XmlNode => [
        'Contents',
        [
          ['Key', name(content['Key'])],
          ['LastModified', instant(content['LastModified'])],
          ['ETag', text(content['ETag'])],
          ['Size', text(content['Size'])],
          ['StorageClass', text(content['StorageClass'])],
        ],
      ]),
      ...listOf(output['CommonPrefixes']).map((prefix): XmlNode => [
        'CommonPrefixes',
        [['Prefix', name(prefix['Prefix'])]],
      ]),
    ],
  ];
};

/** Answers without a body carry the code of a refusal in their status alone. */
const writeRefusal = (refusal: AwsError, { method, path }: WireRequest): WireResponse => {
  const { ETag: etag, ...details } = refusal.details;
  if (method === 'HEAD' || refusal.status === 304) {
    const headers = etag === undefined ? requestId : { ...requestId, etag: text(etag) };
    return { status: refusal.status, headers, body: nothing };
  }
  const named = Object.entries(details).map(([member, value]): XmlNode => [member, text(value)]);
  const error: XmlNode = [
    'Error',
    [
      ['Code', refusal.code],
      ['Message', refusal.message],
      ...named,
      ['Resource', path],
      ['RequestId', requestId['x-amz-request-id']],
    ],
  ];
  return {
    status: refusal.status,
    headers: { ...requestId, 'content-type': 'application/xml' },
    body: Buffer.from(xmlDocument(error, false)),
  };
};
