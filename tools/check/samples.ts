/** Holds samples and example configurations to what reads them today, and samples also to their frozen schema. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { parseFeedConfig } from '#contracts/market/feed-config-rules.ts';
import { validateManifest } from '#domain/manifest/validate.ts';
import { filesBelow } from '#tools/build/files.ts';
import { frozenSchema } from '#tools/check/frozen.ts';
import { shapeFile, wireShapes } from '#tools/generate/wire-shapes.ts';
import type { WireShape } from '#tools/generate/wire-shapes.ts';

/** The folder of samples, example configurations and tapes. */
export const EVENTS_FOLDER = 'events';

/** Every sample or example that is missing, unknown or not understood. */
export const sampleFaults = (root: string): readonly string[] => [
  ...wireShapes.flatMap((shape) => shapeFaults(root, shape)),
  ...strangers(root).map((file) => `${EVENTS_FOLDER}/${file}: belongs to no shape`),
  ...exampleFaults(root),
];

const read = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8')) as unknown;

const shapeFaults = (root: string, shape: WireShape): readonly string[] => {
  const file = `${EVENTS_FOLDER}/${shapeFile(shape)}`;
  const path = join(root, file);
  if (!existsSync(path)) return [`${file}: there is no sample; run npm run samples`];
  const sample = read(path);
  const frozen = frozenSchema(root, shape);
  return [
    ...issues(shape.schema, sample).map((issue) => `${file}: ${issue}`),
    ...(frozen
      ? issues(z.fromJSONSchema(frozen as z.core.JSONSchema.JSONSchema), sample).map(
          (issue) => `${file}: against its frozen schema: ${issue}`,
        )
      : []),
  ];
};

const issues = (schema: z.ZodType, value: unknown): readonly string[] => {
  const parsed = schema.safeParse(value);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
};

/** Versioned samples that no shape claims any more; tapes and examples have other names. */
const strangers = (root: string): readonly string[] => {
  const known = new Set(wireShapes.map(shapeFile));
  return filesBelow(join(root, EVENTS_FOLDER)).filter(
    (file) => /\.v\d+\.json$/.test(file) && !known.has(file),
  );
};

/** What is wrong with an example, by the end of its name. */
const examples: Readonly<Record<string, (value: unknown) => readonly string[]>> = {
  '.feed.json': (value) => {
    const result = parseFeedConfig(value);
    return result.kind === 'valid' ? [] : [result.message];
  },
  '.manifest.json': (value) => {
    const check = validateManifest(value);
    return check.kind === 'valid' ? [] : check.faults.map(({ path, message }) => `${path} ${message}`);
  },
};

const exampleFaults = (root: string): readonly string[] =>
  Object.entries(examples).flatMap(([suffix, faultsOf]) =>
    filesBelow(join(root, EVENTS_FOLDER))
      .filter((file) => file.endsWith(suffix))
      .flatMap((file) =>
        faultsOf(read(join(root, EVENTS_FOLDER, file))).map((fault) => `${EVENTS_FOLDER}/${file}: ${fault}`),
      ),
  );
