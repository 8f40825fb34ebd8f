/** The HTTP face: the gateway with its routes, the functions behind it and the pool that issues tokens. */
import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AccountRecovery,
  ClientAttributes,
  FeaturePlan,
  Mfa,
  StringAttribute,
  UserPool,
  UserPoolClient,
} from 'aws-cdk-lib/aws-cognito';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

import type { FunctionName } from '#contracts/naming.ts';
import { cognitoClaim, principalClaims } from '#contracts/roles.ts';
import { routes } from '#contracts/routes.ts';
import { acknowledge } from '#infra/constructs/acknowledge.ts';
import { HttpApi } from '#infra/constructs/http-api.ts';
import { SluiceFunction } from '#infra/constructs/sluice-function.ts';
import { resourceNames } from '#infra/resource-names.ts';
import type { StackSettings } from '#infra/settings.ts';

const constructIds = {
  'api-runs': 'ApiRuns',
  'api-feeds': 'ApiFeeds',
  'api-access': 'ApiAccess',
  'api-workers': 'ApiWorkers',
  'api-streams': 'ApiStreams',
  'task-callback': 'TaskCallback',
} as const satisfies Partial<Record<FunctionName, string>>;

/** The routes of the contract table behind one gateway, and the issuer of tokens. */
export class ApiStack extends Stack {
  constructor(scope: Construct, id: string, settings: StackSettings) {
    super(scope, id, { description: 'Sluice: HTTP API and token issuer' });
    const names = resourceNames(settings.stage);
    const pool = this.userPool(names.of('users'));
    const client = this.client(pool);
    const tokenIssuer = { issuer: pool.userPoolProviderUrl, audience: client.userPoolClientId };
    const functions = new Map<FunctionName, IFunction>();
    for (const [name, constructId] of Object.entries(constructIds) as [keyof typeof constructIds, string][])
      functions.set(name, new SluiceFunction(this, constructId, { name, settings, tokenIssuer }).alias);
    const { api } = new HttpApi(this, 'Http', {
      name: names.of('api'),
      stageName: 'api',
      routes,
      functions,
    });
    new CfnOutput(this, 'Url', { value: api.url, description: 'Where the API answers' });
    new CfnOutput(this, 'Issuer', { value: tokenIssuer.issuer, description: 'Issuer of its tokens' });
    new CfnOutput(this, 'Audience', { value: tokenIssuer.audience, description: 'Audience of its tokens' });
  }

  /** People of the tenant; what they may do stands in attributes only an administrator can set. */
  private userPool(name: string): UserPool {
    const pool = new UserPool(this, 'Users', {
      userPoolName: name,
      featurePlan: FeaturePlan.ESSENTIALS,
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 14,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
      },
      customAttributes: Object.fromEntries(
        principalClaims.map((claim) => [claim, new StringAttribute({ mutable: true })]),
      ),
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    acknowledge(pool, {
      rule: 'AwsSolutions-COG8',
      reason: 'threat protection is part of a paid plan; sign-up is closed and a second factor is required',
    });
    return pool;
  }

  private client(pool: UserPool): UserPoolClient {
    return new UserPoolClient(this, 'Client', {
      userPool: pool,
      authFlows: { userSrp: true },
      // No hosted pages, so nothing may be called back.
      disableOAuth: true,
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
      // What a client may not read is missing in its ID tokens; what it may write, users set themselves.
      readAttributes: new ClientAttributes()
        .withStandardAttributes({ email: true, emailVerified: true })
        .withCustomAttributes(...principalClaims.map(cognitoClaim)),
      writeAttributes: new ClientAttributes().withStandardAttributes({ fullname: true, locale: true }),
    });
  }
}
