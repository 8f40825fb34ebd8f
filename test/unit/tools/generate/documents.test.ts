import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { defaultLimits } from '#contracts/config.ts';
import { errorCatalogue } from '#contracts/errors.ts';
import { metricCatalogue } from '#contracts/metrics.ts';
import { routeShapes } from '#contracts/route-shapes.ts';
import { routes } from '#contracts/routes.ts';
import { jsonSchemaOf } from '#tools/generate/json-schema.ts';
import { openApiDocument } from '#tools/generate/openapi.ts';
import { refusalsOf } from '#tools/generate/refusals.ts';
import { configurationPage, errorsPage, metricsPage } from '#tools/generate/pages.ts';

const Document = z.object({
  openapi: z.literal('3.1.0'),
  info: z.object({ version: z.string() }),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        security: z.array(z.record(z.string(), z.array(z.string()))),
        responses: z.record(z.string(), z.object({ description: z.string() })),
        parameters: z.array(z.object({ in: z.string(), name: z.string() })).optional(),
        requestBody: z.object({ required: z.literal(true) }).optional(),
      }),
    ),
  ),
});
const document = Document.parse(openApiDocument('1.2.3'));
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);
const operationOf = (id: string) => {
  const found = operations.find(({ operationId }) => operationId === id);
  if (!found) throw new Error(`no operation ${id}`);
  return found;
};

describe('the API description', () => {
  it('has every route of the table once, and carries the version', () => {
    expect(operations.map(({ operationId, path, method }) => [operationId, path, method]).sort()).toEqual(
      routes.map(({ operationId, path, method }) => [operationId, path, method.toLowerCase()]).sort(),
    );
    expect(document.info.version).toBe('1.2.3');
  });

  it.each(routes.map((route) => [route.operationId, route] as const))(
    '%s asks for its credential and names its answers and refusals',
    (operationId, route) => {
      const operation = operationOf(operationId);
      const shape = routeShapes[operationId];
      const statuses = refusalsOf(route, shape).map((code) => String(errorCatalogue[code].status));
      const schemes = operation.security.flatMap((scheme) => Object.keys(scheme));

      const expected = { public: [], 'task-token': ['taskToken'] }[
        route.access as 'public' | 'task-token'
      ] as string[] | undefined;
      expect(schemes).toEqual(expected ?? ['accessToken']);
      expect(Object.keys(operation.responses).sort()).toEqual(
        [...new Set([...Object.keys(shape.answers), ...statuses])].sort(),
      );
      expect(operation.requestBody !== undefined).toBe(shape.body !== undefined);
    },
  );

  it('offers an idempotency key where one is kept, and nowhere else', () => {
    const keyed = operations
      .filter(({ parameters = [] }) => parameters.some(({ name }) => name === 'Idempotency-Key'))
      .map(({ operationId }) => operationId);

    expect(keyed.sort()).toEqual([
      'backfillRunKey',
      'cancelRun',
      'closeWorkspace',
      'configureTenant',
      'createApiKey',
      'deployManifest',
      'drainFeed',
      'grantRole',
      'planFeedTicks',
      'putFeed',
      'registerWorkspace',
      'removeExecutionLocation',
      'removeLimit',
      'reportOutputVisibility',
      'rerunRun',
      'resumeFeed',
      'revokeApiKey',
      'revokeRole',
      'setExecutionLocation',
      'setLimit',
      'startFeed',
      'stopFeed',
      'triggerRun',
      'uploadRunLog',
    ]);
  });
});

describe('JSON Schema', () => {
  it('says "any JSON" as the empty schema, which refers to nothing', () => {
    const schema = jsonSchemaOf(z.strictObject({ payload: z.record(z.string(), z.json()) }), 'input');

    expect(schema).toMatchObject({ properties: { payload: { additionalProperties: {} } } });
    expect(JSON.stringify(schema)).not.toContain('$ref');
  });

  it('closes what is sent to us and leaves open what we answer', () => {
    const shape = z.strictObject({ id: z.int() }).readonly();

    expect(jsonSchemaOf(shape, 'input')).toMatchObject({ additionalProperties: false });
    expect(jsonSchemaOf(shape, 'output')).not.toHaveProperty('additionalProperties');
    expect(jsonSchemaOf(shape, 'input')).not.toHaveProperty('readOnly');
    expect(jsonSchemaOf(shape, 'input')).toMatchObject({ properties: { id: { type: 'integer' } } });
  });

  it('refuses a shape that refers to itself otherwise', () => {
    interface Tree {
      readonly children: readonly Tree[];
    }
    const Tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ children: z.array(Tree) }));

    expect(() => jsonSchemaOf(Tree, 'input')).toThrow('only "any JSON" may refer to itself');
  });
});

describe('the pages', () => {
  it.each([
    ['errors', errorsPage(), Object.keys(errorCatalogue)],
    ['metrics', metricsPage(), Object.keys(metricCatalogue)],
    ['configuration', configurationPage(), Object.keys(defaultLimits)],
  ])('of %s have a row for each entry, all of one width', (_page, text, names) => {
    const rows = text.split('\n').filter((line) => line.startsWith('| `'));
    for (const name of names) expect(rows.filter((row) => row.startsWith(`| \`${name}\` |`))).toHaveLength(1);
    const heads = text.split('\n').filter((line) => line.startsWith('| ---'));
    expect(heads.length).toBeGreaterThan(0);
  });
});
