/** The whole system of one stage as stacks that know each other by name only. */
import { Tags } from 'aws-cdk-lib';
import type { App, Stack } from 'aws-cdk-lib';

import { physicalName } from '#contracts/naming.ts';
import { readSettings } from '#infra/settings.ts';
import { ApiStack } from '#infra/stacks/api-stack.ts';
import { DataStack } from '#infra/stacks/data-stack.ts';
import { IngestStack } from '#infra/stacks/ingest-stack.ts';
import { ObservabilityStack } from '#infra/stacks/observability-stack.ts';
import { WorkflowStack } from '#infra/stacks/workflow-stack.ts';

/** Adds the stacks of the stage that the context of the app names, in the order they are deployed. */
export const addStacks = (app: App): readonly Stack[] => {
  const settings = readSettings(app.node);
  const idOf = (name: string) => physicalName(settings.stage, name);
  const data = new DataStack(app, idOf('data'), settings);
  const ingest = settings.feeds === 'on' ? [new IngestStack(app, idOf('ingest'), settings)] : [];
  const workflow = new WorkflowStack(app, idOf('workflow'), settings);
  const api = new ApiStack(app, idOf('api'), settings);
  const observability = new ObservabilityStack(app, idOf('observability'), settings);
  for (const stack of [...ingest, workflow, api]) stack.addStackDependency(data, 'its tables come first');
  for (const stack of ingest) workflow.addStackDependency(stack, 'its dead-letter queues come first');
  const stacks = [data, ...ingest, workflow, api, observability];
  Tags.of(app).add('sluice:stage', settings.stage);
  return stacks;
};
