/** Holds every published schema to its frozen copy: the first published form, grown by additive changes only. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow } from '#tools/build/files.ts';
import { breakingChanges } from '#tools/check/additive.ts';
import { jsonText, publishedSchema } from '#tools/generate/generated-files.ts';
import type { JsonSchema } from '#tools/generate/json-schema.ts';
import { shapeFile, wireShapes } from '#tools/generate/wire-shapes.ts';
import type { WireShape } from '#tools/generate/wire-shapes.ts';
import { writeAtomically } from '#tools/generate/write-atomically.ts';

/** Where the frozen copies stand. */
export const FROZEN_FOLDER = 'test/contract/frozen';

const frozenPath = (root: string, file: string): string => join(root, FROZEN_FOLDER, file);

/** The frozen copy of a shape; undefined before it was published. */
export const frozenSchema = (root: string, shape: WireShape): JsonSchema | undefined => {
  const path = frozenPath(root, shapeFile(shape));
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as JsonSchema) : undefined;
};

/** Everything that breaks a published shape, or leaves one unfrozen. */
export const frozenFaults = (root: string): readonly string[] => [
  ...wireShapes.flatMap((shape) => shapeFaults(root, shape)),
  ...removedShapes(root).map((file) => `${file}: a published shape was removed`),
];

const shapeFaults = (root: string, shape: WireShape): readonly string[] => {
  const file = shapeFile(shape);
  const frozen = frozenSchema(root, shape);
  const current = publishedSchema(shape);
  if (!frozen) return [`${file}: not frozen yet; run npm run freeze`];
  const breaks = breakingChanges(frozen, current, shape.use);
  if (breaks.length > 0)
    return breaks.map((text) => `${file}: ${text}; keep the old form, or publish a new version beside it`);
  return jsonText(frozen) === jsonText(current) ? [] : [`${file}: has grown; run npm run freeze`];
};

const removedShapes = (root: string): readonly string[] => {
  const known = new Set(wireShapes.map(shapeFile));
  return filesBelow(join(root, FROZEN_FOLDER)).filter((file) => !known.has(file));
};

/** Freezes new and additively changed shapes; answers their files, and refuses when anything is broken. */
export const freeze = (root: string): readonly string[] => {
  const broken = [
    ...removedShapes(root).map((file) => `${file}: a published shape was removed`),
    ...wireShapes.flatMap((shape) => {
      const frozen = frozenSchema(root, shape);
      return frozen
        ? breakingChanges(frozen, publishedSchema(shape), shape.use).map(
            (text) => `${shapeFile(shape)}: ${text}`,
          )
        : [];
    }),
  ];
  if (broken.length > 0) throw new Error(`nothing was frozen:\n${broken.join('\n')}`);
  const grown = wireShapes.filter((shape) => shapeFaults(root, shape).length > 0);
  for (const shape of grown)
    writeAtomically(frozenPath(root, shapeFile(shape)), jsonText(publishedSchema(shape)));
  return grown.map(shapeFile);
};
