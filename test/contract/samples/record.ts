/**
 * `npm run samples`: records a sample of every wire shape that has none yet. What is recorded stays as it is: a
 * sample is what the version that introduced the shape wrote, and later versions have to read it.
 */
import { existsSync } from 'node:fs';
import { defaultLimits } from '#contracts/config.ts';
import { feedHealth } from '#contracts/market/feed-health.ts';
import { accessSamples } from '#test/contract/samples/access-samples.ts';
import { consumerSamples } from '#test/contract/samples/consumer-samples.ts';
import { engineSamples } from '#test/contract/samples/engine-samples.ts';
import { limitSamples } from '#test/contract/samples/limit-samples.ts';
import { manifestSamples } from '#test/contract/samples/manifest-samples.ts';
import { marketSamples } from '#test/contract/samples/market-samples.ts';
import { partitionSamples } from '#test/contract/samples/partition-samples.ts';
import { runSamples } from '#test/contract/samples/run-samples.ts';
import { sampleFile } from '#test/contract/samples/sample.ts';
import { inProject } from '#test/support/tracked-files.ts';
import { runTool } from '#tools/build/run-tool.ts';
import { jsonText } from '#tools/generate/generated-files.ts';
import { shapeFile, wireShapes } from '#tools/generate/wire-shapes.ts';
import { writeAtomically } from '#tools/generate/write-atomically.ts';

await runTool(async () => {
  const samples = {
    ...accessSamples(),
    ...manifestSamples(),
    ...partitionSamples(),
    ...runSamples(),
    ...limitSamples(),
    ...marketSamples(),
    ...engineSamples(),
    ...consumerSamples(),
    [sampleFile('configuration', 'Limits')]: { ...defaultLimits, sweepMessagesMax: 500 },
    [sampleFile('answers', 'Health')]: { status: 'ok' },
    [sampleFile('answers', 'Ready')]: { status: 'ready' },
    [sampleFile('answers', 'FeedHealth')]: feedHealth('running', {
      ingestion_paused: false,
      scheduling_paused: true,
    }),
    [sampleFile('answers', 'NotReady')]: { status: 'not_ready', failing: ['ledger'] },
    [sampleFile('answers', 'ErrorBody')]: {
      code: 'payload_too_large',
      message: 'the body has 1048577 bytes, allowed are 1048576',
      requestId: '0d0a2b8e-5a8a-4c9f-9d53-6f4d1a3d5c11',
      retryable: false,
      details: { limitBytes: 1_048_576 },
    },
  };
  for (const shape of wireShapes) {
    const file = shapeFile(shape);
    if (existsSync(inProject(`events/${file}`))) continue;
    if (!(file in samples)) throw new Error(`no story tells of ${file}; add one beside this file`);
    const sample = (samples as Readonly<Record<string, unknown>>)[file];
    shape.schema.parse(JSON.parse(jsonText(sample)));
    writeAtomically(inProject(`events/${file}`), jsonText(sample));
    console.log(`recorded events/${file}`);
  }
});
