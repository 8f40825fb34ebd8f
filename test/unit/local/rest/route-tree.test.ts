import { describe, expect, it } from 'vitest';

import { readRoutes, routeTree } from '#local/rest/route-tree.ts';
import type { Route } from '#local/rest/route-tree.ts';
import type { Resource } from '#local/template/resolve-stack.ts';

const route = (method: string, resourcePath: string): Route => ({
  method,
  resourcePath,
  functionReference: `${method} ${resourcePath}`,
  streams: false,
});
const find = routeTree([
  route('GET', '/'),
  route('GET', '/v1/runs'),
  route('POST', '/v1/runs'),
  route('GET', '/v1/runs/{runId}'),
  route('GET', '/v1/runs/latest'),
  route('GET', '/v1/runs/{runId}/tasks'),
  route('ANY', '/a2a/{proxy+}'),
]);
const found = (method: string, path: string): unknown => {
  const match = find(method, path);
  return 'kind' in match ? match.kind : [match.route.resourcePath, match.pathParameters];
};

describe('the route tree', () => {
  it.each([
    ['GET', '/', ['/', {}]],
    ['GET', '/v1/runs', ['/v1/runs', {}]],
    ['GET', '/v1/runs/', ['/v1/runs', {}]],
    ['GET', '/v1/runs/a%2Fb', ['/v1/runs/{runId}', { runId: 'a/b' }]],
    ['GET', '/v1/runs/latest', ['/v1/runs/latest', {}]],
    ['GET', '/v1/runs/latest/tasks', ['/v1/runs/{runId}/tasks', { runId: 'latest' }]],
    ['PUT', '/a2a/x/y', ['/a2a/{proxy+}', { proxy: 'x/y' }]],
    ['DELETE', '/v1/runs', 'no_route'],
    ['GET', '/v1', 'no_route'],
    ['GET', '/v1/runs/x/y', 'no_route'],
    ['GET', '/v1/runs//tasks', 'no_route'],
    ['GET', '/v1/runs/%zz', 'no_route'],
  ])('answers %s %s', (method, path, expected) => {
    expect(found(method, path)).toEqual(expected);
  });
});

const resource = (type: string, ref: string, properties: Readonly<Record<string, unknown>>): Resource => ({
  stackName: 'api',
  logicalId: ref,
  type,
  ref,
  physicalName: ref,
  region: 'us-east-1',
  accountId: '000000000000',
  awsUrl: '',
  behaviour: 'live',
  properties,
});
const method = (integration: Readonly<Record<string, unknown>>): readonly Resource[] => [
  resource('AWS::ApiGateway::Resource', 'v1', { ParentId: 'api-root', PathPart: 'v1' }),
  resource('AWS::ApiGateway::Resource', 'run', { ParentId: 'v1', PathPart: '{runId}' }),
  resource('AWS::ApiGateway::Method', 'get', {
    ResourceId: 'run',
    HttpMethod: 'GET',
    Integration: { Type: 'AWS_PROXY', IntegrationHttpMethod: 'POST', ...integration },
  }),
];
const fn = 'arn:aws:lambda:us-east-1:000000000000:function:api:live';

describe('routes of a template', () => {
  it.each([
    [`arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${fn}/invocations`, {}, false],
    [
      `arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/${fn}/response-streaming-invocations`,
      { ResponseTransferMode: 'STREAM' },
      true,
    ],
  ])('read the function from %s', (Uri, more, streams) => {
    expect(readRoutes(method({ Uri, ...more }))).toEqual([
      { resourcePath: '/v1/{runId}', method: 'GET', functionReference: fn, streams },
    ]);
  });

  it('are refused by name when the integration is another', () => {
    expect(() => readRoutes(method({ Type: 'MOCK', Uri: 'x' }))).toThrow(
      'stack api, resource get (AWS::ApiGateway::Method), property Integration.Type: only Lambda proxy integrations',
    );
    expect(() => readRoutes(method({ Uri: 'http://elsewhere' }))).toThrow(
      'is no invocation of a Lambda function',
    );
    expect(() => readRoutes(method({ Uri: 'x', CacheKeyParameters: [] }))).toThrow('CacheKeyParameters');
  });
});
