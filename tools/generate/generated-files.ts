/** Everything that is generated: a pure function of the contracts. */
import { configurationPage, errorsPage, indexPage, metricsPage } from '#tools/generate/pages.ts';
import { jsonSchemaOf } from '#tools/generate/json-schema.ts';
import type { JsonSchema } from '#tools/generate/json-schema.ts';
import { openApiDocument } from '#tools/generate/openapi.ts';
import { shapeFile, wireShapes } from '#tools/generate/wire-shapes.ts';
import type { WireShape } from '#tools/generate/wire-shapes.ts';

/** The folder that holds nothing but generated files. */
export const GENERATED_FOLDER = 'docs/api';

/** The JSON Schema of a wire shape, with its name. */
export const publishedSchema = (shape: WireShape): JsonSchema => {
  const { $schema, ...body } = jsonSchemaOf(shape.schema, shape.use === 'accepted' ? 'input' : 'output');
  return {
    $schema,
    $id: `urn:sluice:${shape.folder}:${shape.name}:${shape.version}`,
    title: shape.name,
    ...body,
  };
};

/** JSON as it is written into the repository. */
export const jsonText = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Every generated file by its path from the root, with its whole content. */
export const generatedFiles = (version: string): ReadonlyMap<string, string> =>
  new Map(
    [
      ['README.md', indexPage()] as const,
      ['openapi.json', jsonText(openApiDocument(version))] as const,
      ['errors.md', errorsPage()] as const,
      ['metrics.md', metricsPage()] as const,
      ['configuration.md', configurationPage()] as const,
      ...wireShapes.map(
        (shape) => [`schemas/${shapeFile(shape)}`, jsonText(publishedSchema(shape))] as const,
      ),
    ].map(([file, content]) => [`${GENERATED_FOLDER}/${file}`, content]),
  );
