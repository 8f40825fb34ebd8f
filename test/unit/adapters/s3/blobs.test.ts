import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3Blobs } from '#adapters/s3/blobs.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';

describe('blobs on S3', () => {
  it('come back as they were put, and the first one stays', async () => {
    const { blobs } = adaptersOf(await localStage());

    await blobs.put('manifests/a', 'é'.repeat(5_000));
    await blobs.put('manifests/a', 'another');

    expect(await blobs.get('manifests/a')).toBe('é'.repeat(5_000));
    expect(await blobs.get('manifests/b')).toBeUndefined();
  });

  it('cannot be read while the store fails', async () => {
    const stage = await localStage();
    stage.inject({ service: 's3', operation: 'GetObject', kind: 'server-error' });

    await expect(adaptersOf(stage).blobs.get('a')).rejects.toThrow();
  });
});

describe('two writers of one key', () => {
  const client = new S3Client({});
  const mock = mockClient(client);
  beforeEach(() => {
    mock.reset();
  });
  const conflict = Object.assign(new Error('conflict'), { name: 'ConditionalRequestConflict' });

  it('are told to look again, and find it stored', async () => {
    mock
      .on(PutObjectCommand)
      .rejectsOnce(conflict)
      .rejects(Object.assign(new Error('exists'), { name: 'PreconditionFailed' }));

    await s3Blobs(client, 'blobs').put('a', 'text');

    expect(mock.commandCalls(PutObjectCommand)).toHaveLength(2);
  });

  it('give up after a bound instead of taking a conflict for success', async () => {
    mock.on(PutObjectCommand).rejects(conflict);

    await expect(s3Blobs(client, 'blobs').put('a', 'text')).rejects.toBe(conflict);
    expect(mock.commandCalls(PutObjectCommand)).toHaveLength(4);
  });
});
