import { beforeAll, describe, expect, it } from 'vitest';

import { errorCatalogue, ErrorBody } from '#contracts/errors.ts';
import { routes } from '#contracts/routes.ts';
import { assembly, at, listOf } from '#test/infra/assembly.ts';
import type { TestAssembly } from '#test/infra/assembly.ts';

let app: TestAssembly;

beforeAll(async () => {
  app = await assembly();
});

const pathOf = (resourceId: unknown): string => {
  const resource = app.ofType('AWS::ApiGateway::Resource').find(({ ref }) => ref === resourceId);
  if (resource === undefined) return '';
  return `${pathOf(resource.properties['ParentId'])}/${String(resource.properties['PathPart'])}`;
};

describe('the gateway', () => {
  it('has one method per route of the table, handed to the live alias of its function', () => {
    const methods = app.ofType('AWS::ApiGateway::Method').map(({ properties }) => ({
      route: `${String(properties['HttpMethod'])} ${pathOf(properties['ResourceId'])}`,
      operationId: properties['OperationName'],
      type: at(properties, 'Integration', 'Type'),
      uri: at(properties, 'Integration', 'Uri'),
    }));

    expect(methods.filter(({ route }) => !route.startsWith('ANY '))).toHaveLength(routes.length);
    for (const route of routes)
      expect(methods).toContainEqual({
        route: `${route.method} ${route.path}`,
        operationId: route.operationId,
        type: 'AWS_PROXY',
        uri: `arn:aws:apigateway:us-east-1:lambda:path/${route.streaming ? '2021-11-15' : '2015-03-31'}/functions/arn:aws:lambda:us-east-1:000000000000:function:sluice-dev-${route.function}:live/${route.streaming ? 'response-streaming-invocations' : 'invocations'}`,
      });
  });

  it('hands every other method of a path to a function of that path, which says what there is', () => {
    const others = app
      .ofType('AWS::ApiGateway::Method')
      .filter(({ properties }) => properties['HttpMethod'] === 'ANY')
      .map(({ properties }) => ({
        path: pathOf(properties['ResourceId']),
        type: at(properties, 'Integration', 'Type'),
        function: /function:sluice-dev-([a-z-]+):live/.exec(
          String(at(properties, 'Integration', 'Uri')),
        )?.[1],
      }));

    expect(others.map(({ path }) => path).sort()).toEqual(
      [...new Set(routes.map(({ path }) => path))].sort(),
    );
    for (const { path, type, function: name } of others) {
      expect(type).toBe('AWS_PROXY');
      expect(routes.filter((route) => route.path === path).map((route) => route.function)).toContain(name);
    }
  });

  it('speaks the error contract when it answers itself', () => {
    const responses = app.ofType('AWS::ApiGateway::GatewayResponse');

    expect(responses.length).toBeGreaterThan(8);
    for (const { properties } of responses) {
      const body = ErrorBody.parse(
        JSON.parse(String(at(properties, 'ResponseTemplates', 'application/json'))),
      );
      const entry = Object.entries(errorCatalogue).find(([code]) => code === body.code)?.[1];
      expect(entry?.retryable).toBe(body.retryable);
      const status = properties['StatusCode'];
      if (status !== undefined) expect(Number(status)).toBe(entry?.status);
    }
  });

  it('answers an unknown route with 404', () => {
    const unknown = app
      .ofType('AWS::ApiGateway::GatewayResponse')
      .find(({ properties }) => properties['ResponseType'] === 'MISSING_AUTHENTICATION_TOKEN');

    expect(unknown?.properties['StatusCode']).toBe('404');
  });

  it('writes access logs and never bodies', () => {
    const [stage] = app.ofType('AWS::ApiGateway::Stage');

    expect(at(stage?.properties, 'AccessLogSetting', 'DestinationArn')).toBeDefined();
    expect(at(stage?.properties, 'MethodSettings', 0, 'DataTraceEnabled')).toBe(false);
  });

  it('lets users read their tenant, workspace and role, and write none of them', () => {
    const [client] = app.ofType('AWS::Cognito::UserPoolClient');

    expect(listOf(client?.properties['ReadAttributes'])).toEqual(
      expect.arrayContaining(['custom:tenant_id', 'custom:workspace_id', 'custom:role']),
    );
    expect(client?.properties['WriteAttributes']).toEqual(['locale', 'name']);
  });

  it('lets nobody sign up and gives tokens only to whom an administrator made', () => {
    const [pool] = app.ofType('AWS::Cognito::UserPool');

    expect(at(pool?.properties, 'AdminCreateUserConfig', 'AllowAdminCreateUserOnly')).toBe(true);
    expect(pool?.properties['MfaConfiguration']).toBe('ON');
  });
});
