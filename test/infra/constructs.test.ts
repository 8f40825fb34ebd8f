/** Constructs on their own, for what no stage of the app asks of them. */
import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Function } from 'aws-cdk-lib/aws-lambda';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';

import type { FunctionName } from '#contracts/naming.ts';
import type { Route } from '#contracts/routes.ts';
import { HttpApi } from '#infra/constructs/http-api.ts';
import { readSettings } from '#infra/settings.ts';
import { ObservabilityStack } from '#infra/stacks/observability-stack.ts';
import { testFolder } from '#test/support/folders.ts';

const route = (more: Partial<Route> = {}): Route => ({
  ...{ operationId: 'followRun', method: 'GET', path: '/v1/follow', function: 'api-runs', access: 'viewer' },
  ...{ summary: 'Follows a run', mutating: false },
  ...more,
});

/** The template of a gateway with this one route. */
const gateway = (served: Route, functions: readonly FunctionName[] = ['api-runs']): Template => {
  const stack = new Stack(new App({ outdir: testFolder() }), 'Probe', {
    env: { account: '000000000000', region: 'us-east-1' },
  });
  const alias = (name: string): IFunction =>
    Function.fromFunctionAttributes(stack, name, {
      functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}:live`,
      sameEnvironment: true,
    });
  new HttpApi(stack, 'Http', {
    ...{ name: 'probe', stageName: 'api', routes: [served] },
    functions: new Map(functions.map((name) => [name, alias(name)])),
  });
  return Template.fromStack(stack);
};

describe('the gateway', () => {
  it('passes a streamed answer on while it is produced', () => {
    gateway(route({ streaming: true })).hasResourceProperties('AWS::ApiGateway::Method', {
      HttpMethod: 'GET',
      Integration: {
        ResponseTransferMode: 'STREAM',
        TimeoutInMillis: 150_000,
        Uri: {
          'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('response-streaming-invocations$')])],
        },
      },
    });
  });

  it('gives any other answer as a whole', () => {
    const [method] = Object.values(
      gateway(route()).findResources('AWS::ApiGateway::Method', { Properties: { HttpMethod: 'GET' } }),
    );

    expect(JSON.stringify(method)).not.toContain('response-streaming');
  });

  it('is not built with a route whose function is absent', () => {
    expect(() => gateway(route(), [])).toThrow('route followRun names api-runs, which is absent');
  });
});

describe('alarms', () => {
  const alarms = (context: Readonly<Record<string, string>>) => {
    const app = new App({ context, outdir: testFolder() });
    return Template.fromStack(new ObservabilityStack(app, 'Probe', readSettings(app.node))).findResources(
      'AWS::CloudWatch::Alarm',
    );
  };

  it('tell the topic when there is one, and nobody otherwise', () => {
    const topic = 'arn:aws:sns:us-east-1:000000000000:pager';
    const told = Object.values(alarms({ alarmTopicArn: topic }));
    const silent = Object.values(alarms({}));

    expect(told.length).toBe(silent.length);
    for (const { Properties } of told) expect(Properties).toMatchObject({ AlarmActions: [topic] });
    for (const { Properties } of silent) expect(Properties).not.toHaveProperty('AlarmActions');
  });

  it('watch no feeds where feeds are off', () => {
    expect(Object.keys(alarms({ feeds: 'off' })).length).toBeLessThan(Object.keys(alarms({})).length);
  });
});
