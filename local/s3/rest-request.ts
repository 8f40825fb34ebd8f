/** Reads an S3 request: which operation it is and with what input. What is not supported is refused by name. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { WireRequest } from '#local/wire/message.ts';
import { isChunked, keptEncoding, plainBody } from './chunked-body.ts';
import { elementsOf, textOf } from './xml.ts';

export interface S3Call {
  readonly operation: string;
  readonly input: Json;
}

/** Headers that are members of the input, where they appear. */
const memberOfHeader: Readonly<Record<string, string>> = {
  'content-type': 'ContentType',
  'content-disposition': 'ContentDisposition',
  'content-language': 'ContentLanguage',
  'cache-control': 'CacheControl',
  expires: 'Expires',
  'content-md5': 'ContentMD5',
  'if-match': 'IfMatch',
  'if-none-match': 'IfNoneMatch',
  range: 'Range',
  'x-amz-tagging': 'Tagging',
  'x-amz-tagging-directive': 'TaggingDirective',
  'x-amz-metadata-directive': 'MetadataDirective',
  'x-amz-copy-source': 'CopySource',
  'x-amz-checksum-crc32': 'ChecksumCRC32',
  'x-amz-checksum-crc32c': 'ChecksumCRC32C',
  'x-amz-checksum-crc64nvme': 'ChecksumCRC64NVME',
  'x-amz-checksum-sha1': 'ChecksumSHA1',
  'x-amz-checksum-sha256': 'ChecksumSHA256',
};

/** Parameters of a listing, by their name in the query. */
const listParameters: Readonly<Record<string, string>> = {
  prefix: 'Prefix',
  delimiter: 'Delimiter',
  'max-keys': 'MaxKeys',
  'continuation-token': 'ContinuationToken',
  'start-after': 'StartAfter',
};
const knownParameters: ReadonlySet<string> = new Set([
  ...Object.keys(listParameters),
  'list-type',
  'encoding-type',
  'fetch-owner',
  'delete',
  'x-id',
]);
const multipartParameters: ReadonlySet<string> = new Set(['uploads', 'uploadId', 'partNumber']);

const refusedHeaders: ReadonlySet<string> = new Set([
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-if-none-match',
  'x-amz-copy-source-range',
  'x-amz-acl',
  'x-amz-website-redirect-location',
  'x-amz-object-lock-mode',
  'x-amz-server-side-encryption-customer-algorithm',
  'if-modified-since',
  'if-unmodified-since',
]);

/** The operation a request asks for and its input. */
export const readRequest = (request: WireRequest): S3Call => {
  const query = new URLSearchParams(request.query);
  refuseUnsupported(query, request.headers);
  const place = placeOf(request);
  const operation = operationOf(request, place, query);
  const input: Json = { ...placeMembers(place) };
  switch (operation) {
    case 'PutObject':
    case 'CopyObject':
      return { operation, input: { ...input, ...objectMembers(request) } };
    case 'GetObject':
    case 'HeadObject':
      return { operation, input: { ...input, ...headerMembers(request.headers) } };
    case 'DeleteObjects':
      return { operation, input: { ...input, Delete: deletionOf(request) } };
    case 'ListObjectsV2':
      return { operation, input: { ...input, ...listMembers(query) } };
    default:
      return { operation, input };
  }
};

const notImplemented = (what: string): AwsError =>
  new AwsError('NotImplemented', `the local cloud does not support ${what}`, { status: 501 });

const refuseUnsupported = (query: URLSearchParams, headers: WireRequest['headers']): void => {
  for (const name of query.keys()) {
    if (multipartParameters.has(name)) throw notImplemented(`multipart uploads (${name}) of S3`);
    if (!knownParameters.has(name) && !/^x-amz-/i.test(name)) throw notImplemented(`?${name} of S3`);
  }
  for (const name of Object.keys(headers))
    if (refusedHeaders.has(name)) throw notImplemented(`the header ${name} of S3`);
  const storageClass = headers['x-amz-storage-class'] ?? 'STANDARD';
  if (storageClass !== 'STANDARD') throw notImplemented(`the storage class ${storageClass} of S3`);
};

interface Place {
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

/** Bucket and key: both in the path, or the bucket in front of the host. */
const placeOf = ({ path, headers }: WireRequest): Place => {
  const hosted = bucketOfHost(headers['host'] ?? headers[':authority'] ?? '');
  const [first = '', ...rest] = path.replace(/^\//, '').split('/');
  const bucket = hosted ?? decoded(first);
  const key = hosted === undefined ? rest.join('/') : [first, ...rest].join('/');
  return { bucket: bucket === '' ? undefined : bucket, key: key === '' ? undefined : decoded(key) };
};

const bucketOfHost = (host: string): string | undefined => {
  const name = host.replace(/:\d+$/, '');
  return /^(.+?)\.(?:s3[a-z0-9.-]*\.amazonaws\.com|s3[a-z0-9.-]*\.localhost|localhost)$/.exec(
    name.replace(/^s3([.-][a-z0-9-]+)*\.(amazonaws\.com|localhost)$/, ''),
  )?.[1];
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AwsError('InvalidURI', "Couldn't parse the specified URI.");
  }
};

const placeMembers = ({ bucket, key }: Place): Json => ({
  ...(bucket === undefined ? {} : { Bucket: bucket }),
  ...(key === undefined ? {} : { Key: key }),
});

const operations: Readonly<Record<string, string>> = {
  'GET account': 'ListBuckets',
  'PUT bucket': 'CreateBucket',
  'HEAD bucket': 'HeadBucket',
  'DELETE bucket': 'DeleteBucket',
  'PUT object': 'PutObject',
  'GET object': 'GetObject',
  'HEAD object': 'HeadObject',
  'DELETE object': 'DeleteObject',
};

const operationOf = (
  { method, headers }: WireRequest,
  { bucket, key }: Place,
  query: URLSearchParams,
): string => {
  const kind = bucket === undefined ? 'account' : key === undefined ? 'bucket' : 'object';
  if (method === 'PUT' && kind === 'object' && headers['x-amz-copy-source'] !== undefined)
    return 'CopyObject';
  if (method === 'POST' && kind === 'bucket' && query.has('delete')) return 'DeleteObjects';
  if (method === 'GET' && kind === 'bucket') {
    if (query.get('list-type') === '2') return 'ListObjectsV2';
    throw notImplemented('ListObjects of S3; use ListObjectsV2');
  }
  const operation = operations[`${method} ${kind}`];
  if (operation !== undefined) return operation;
  throw new AwsError('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    status: 405,
  });
};

const headerMembers = (headers: WireRequest['headers']): Json =>
  Object.fromEntries(
    Object.entries(memberOfHeader).flatMap(([header, member]) =>
      headers[header] === undefined ? [] : [[member, headers[header]]],
    ),
  );

const objectMembers = (request: WireRequest): Json => {
  const { headers } = request;
  const { body, trailers } = bodyOf(request);
  const encoding = keptEncoding(headers['content-encoding']);
  return {
    ...headerMembers({ ...trailers, ...headers }),
    ...(encoding === undefined ? {} : { ContentEncoding: encoding }),
    Metadata: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), value]] : [],
      ),
    ),
    Body: body,
  };
};

const bodyOf = ({ headers, body }: WireRequest): ReturnType<typeof plainBody> =>
  isChunked(headers) ? plainBody(body, headers['x-amz-decoded-content-length']) : { body, trailers: {} };

const deletionOf = (request: WireRequest): Json => {
  const xml = Buffer.from(bodyOf(request).body).toString('utf8');
  return {
    Objects: elementsOf(xml, 'Object').map((object) => {
      if (textOf(object, 'VersionId') !== undefined) throw notImplemented('versions of S3 objects');
      return { Key: textOf(object, 'Key') ?? '' };
    }),
    Quiet: textOf(xml, 'Quiet') === 'true',
  };
};

const listMembers = (query: URLSearchParams): Json =>
  Object.fromEntries(
    Object.entries(listParameters).flatMap(([parameter, member]) => {
      const value = query.get(parameter);
      return value === null ? [] : [[member, value]];
    }),
  );
