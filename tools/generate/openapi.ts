/** The OpenAPI 3.1 description of the HTTP API, made from the route table and the shapes of its routes. */
import { createDocument } from 'zod-openapi';
import type {
  ZodOpenApiOperationObject,
  ZodOpenApiPathsObject,
  ZodOpenApiResponsesObject,
} from 'zod-openapi';
import * as z from 'zod';
import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorCode } from '#contracts/errors.ts';
import { routeShapes } from '#contracts/route-shapes.ts';
import type { RouteAnswer, RouteShape } from '#contracts/route-shapes.ts';
import { pathVariables, routes } from '#contracts/routes.ts';
import { tidySchema, withoutAnyJson } from '#tools/generate/json-schema.ts';
import type { JsonSchema } from '#tools/generate/json-schema.ts';
import { refusalsOf } from '#tools/generate/refusals.ts';
import { answerBodies, requestBodies } from '#tools/generate/wire-shapes.ts';

type ListedRoute = (typeof routes)[number];

/** The whole document. */
export const openApiDocument = (version: string): JsonSchema => {
  const document = createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'Sluice',
        version,
        description:
          'Durable asset runs and market feeds over one append-only ledger. Generated from `contracts/routes.ts`; see `docs/api/errors.md` for every error code.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [
        { url: 'http://127.0.0.1:4600', description: 'The local cloud' },
        {
          url: 'https://{host}',
          description: 'A deployed stage',
          variables: { host: { default: 'localhost' } },
        },
      ],
      tags: Object.entries(tagMeaning).map(([name, description]) => ({ name, description })),
      paths: paths(),
      components: {
        securitySchemes: {
          accessToken: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'A token of the issuer, or an API key',
          },
          taskToken: {
            type: 'http',
            scheme: 'bearer',
            description: 'The token of one attempt, handed out by a claim',
          },
        },
      },
    },
    {
      override: ({ jsonSchema, io }) => tidySchema(jsonSchema, io),
    },
  );
  const schemas = (document.components?.schemas ?? {}) as Record<string, JsonSchema>;
  return withoutAnyJson(document as unknown as JsonSchema, schemas);
};

const tagMeaning = {
  health: 'Whether the service lives',
  manifests: 'Asset graphs',
  runs: 'Runs of asset graphs',
  workers: 'Taking work and reporting on it',
  feeds: 'Market feeds',
  access: 'API keys, roles and workspaces of a tenant',
} as const;

const tagOf = (listed: ListedRoute): keyof typeof tagMeaning => {
  const { path } = listed;
  if (listed.function === 'api-access') return 'access';
  if (path.includes('/manifests')) return 'manifests';
  if (path.includes('/feeds')) return 'feeds';
  if (path.includes('/runs')) return 'runs';
  return path.startsWith('/v1') ? 'workers' : 'health';
};

const paths = (): ZodOpenApiPathsObject => {
  const found: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const route of routes)
    found[route.path] = { ...found[route.path], [route.method.toLowerCase()]: operation(route) };
  return found;
};

const operation = (route: ListedRoute): ZodOpenApiOperationObject => {
  const shape = routeShapes[route.operationId];
  const header = headersOf(route);
  return {
    operationId: route.operationId,
    summary: route.summary,
    description: accessText(route),
    tags: [tagOf(route)],
    security: securityOf(route),
    requestParams: {
      ...(pathVariables(route.path).length === 0 ? {} : { path: pathParameters(route) }),
      ...(shape.query ? { query: shape.query } : {}),
      ...(header ? { header } : {}),
    },
    ...(shape.body
      ? {
          requestBody: { required: true, content: { 'application/json': { schema: named(shape.body) } } },
        }
      : {}),
    responses: responses(route, shape),
  };
};

/** Copies of the bodies that carry their component's name. */
const namedBodies = new Map<z.ZodType, z.ZodType>(
  Object.entries({ ...requestBodies, ...answerBodies }).map(([id, schema]: [string, z.ZodType]) => [
    schema,
    schema.meta({ id }),
  ]),
);

const named = (body: z.ZodType): z.ZodType => namedBodies.get(body) ?? body;

const accessText = ({ access, reach }: ListedRoute): string => {
  if (access === 'public') return 'Open to everybody.';
  if (access === 'task-token') return 'Needs the token of the attempt, which the claim handed out.';
  const place = reach === 'tenant' ? ' in every workspace of the tenant' : '';
  return `Needs an access token or an API key whose role includes \`${access}\`${place}.`;
};

const securityOf = ({ access }: ListedRoute): Record<string, string[]>[] => {
  if (access === 'public') return [];
  return [access === 'task-token' ? { taskToken: [] } : { accessToken: [] }];
};

const pathParameters = ({ path }: ListedRoute): z.ZodObject =>
  z.object(
    Object.fromEntries(
      pathVariables(path).map((name) => [
        name,
        z.string().meta({ description: variableMeaning[name] ?? name }),
      ]),
    ),
  );

const variableMeaning: Readonly<Record<string, string>> = {
  workspaceId: 'The workspace, 1 to 63 characters of a-z, 0-9 and `-`',
  manifestId: 'A manifest, `man_` and 26 characters',
  runId: 'A run, `run_` and 26 characters',
  taskId: 'A task as handed out by a claim, `ct1_` and base64url',
  keyId: 'An API key, `key_` and a ULID',
  grantId: 'A role grant, `grant_` and 26 characters',
  feedId: 'A feed, 1 to 63 characters of a-z, 0-9 and `-`',
};

const traceparent = z.string().optional().meta({
  description: 'W3C Trace Context: the attempts of the run are in its trace; a malformed one is ignored',
});

/** Callbacks are idempotent by attempt and claims by nothing, so neither takes a key. */
const headersOf = ({ operationId, mutating, access }: ListedRoute): z.ZodObject | undefined =>
  mutating && access !== 'task-token' && operationId !== 'claimTasks'
    ? z.object({
        'Idempotency-Key': z
          .string()
          .regex(/^[\x21-\x7e]{1,255}$/)
          .optional()
          .meta({ description: 'The same key and request answer the same; on a trigger it is the run key' }),
        ...(operationId === 'triggerRun' || operationId === 'rerunRun' ? { traceparent } : {}),
      })
    : undefined;

const responses = (route: ListedRoute, shape: RouteShape): ZodOpenApiResponsesObject => {
  const answers = Object.entries(shape.answers).map(([status, answer]) => [status, answerOf(answer)]);
  const error = route.access === 'task-token' ? answerBodies.CallbackError : answerBodies.ErrorBody;
  const refused = [...codesByStatus(refusalsOf(route, shape))]
    .filter(([status]) => shape.answers[status] === undefined)
    .map(([status, codes]) => [
      String(status),
      {
        description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].cause}`).join('; '),
        content: { 'application/json': { schema: named(error) } },
      },
    ]);
  return Object.fromEntries([...answers, ...refused]) as ZodOpenApiResponsesObject;
};

const answerOf = ({ schema, when, contentType = 'application/json', headers }: RouteAnswer): object => ({
  description: when,
  ...(headers === undefined
    ? {}
    : {
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, description]) => [
            name,
            { description, schema: { type: 'string' } },
          ]),
        ),
      }),
  ...(schema === undefined ? {} : { content: { [contentType]: { schema: named(schema) } } }),
});

const codesByStatus = (codes: readonly ErrorCode[]): ReadonlyMap<number, readonly ErrorCode[]> => {
  const found = new Map<number, readonly ErrorCode[]>();
  for (const code of [...new Set(codes)].sort()) {
    const { status } = errorCatalogue[code];
    found.set(status, [...(found.get(status) ?? []), code]);
  }
  return new Map([...found].sort(([one], [other]) => one - other));
};
