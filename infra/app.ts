/** What the CDK command line runs: the app with the security checks. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import { addStacks } from '#infra/sluice-app.ts';

const app = new App();
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
addStacks(app);
app.synth();
