/** Connects the mappings of the template to the engines they read and the functions they feed. */
import type { CloudEngines } from '#local/boot/engines.ts';
import type { StackSettings } from '#local/boot/stack-settings.ts';
import type { Dispatcher } from '#local/dispatch/dispatcher.ts';
import { actingAs } from '#local/iam/principal.ts';
import type { Activity } from '#local/kernel/activity.ts';
import type { Clock } from '#local/kernel/clock.ts';
import type { Journal } from '#local/kernel/journal.ts';
import type { LambdaHost } from '#local/lambda/lambda-host.ts';
import type { MappingSetting } from '#local/mapping/mapping-setting.ts';
import type { Mapping, MappingContext } from '#local/mapping/mapping.ts';
import { queueMapping } from '#local/mapping/queue-mapping.ts';
import { streamMapping } from '#local/mapping/stream-mapping.ts';
import { functionNameOf } from '#local/template/lambda-alias.ts';
import type { Account } from '#local/template/resolve-stack.ts';

/** What mappings are connected to. */
export interface MappingParts {
  readonly engines: CloudEngines;
  readonly dispatcher: Dispatcher;
  readonly settings: StackSettings;
  readonly host: LambdaHost;
  readonly clock: Clock;
  readonly activity: Activity;
  readonly journal: Journal;
  readonly account: Account;
  readonly log: (text: string) => void;
}

/** Every mapping, at rest, by its id. */
export const buildMappings = (parts: MappingParts): ReadonlyMap<string, Mapping> =>
  new Map(parts.settings.mappings.map((setting) => [setting.id, buildMapping(parts, setting)]));

const buildMapping = (parts: MappingParts, setting: MappingSetting): Mapping => {
  const { engines, dispatcher, settings, host, account } = parts;
  const functionName = functionNameOf(setting.functionReference);
  const fn = settings.functions.get(functionName);
  const principal = fn?.principal;
  const context: MappingContext = {
    clock: parts.clock,
    journal: parts.journal,
    activity: parts.activity,
    log: parts.log,
    invoke: (event) => host.invoke(functionName, event),
    sendFailure: async (queueArn, MessageBody) => {
      const QueueUrl = `${account.awsUrl}/${account.accountId}/${queueArn.split(':').at(-1) ?? ''}`;
      await actingAs(principal, () => dispatcher.call('sqs', 'SendMessage', { QueueUrl, MessageBody }));
    },
  };
  if (!setting.sourceArn.includes(':sqs:'))
    return streamMapping({
      setting,
      context,
      source: engines.recordSource(setting.sourceArn),
      checkpoints: engines.checkpoints,
    });
  return queueMapping({
    setting,
    context,
    functionName,
    source: engines.queueSource(setting.sourceArn),
    mayLoop: fn?.mayLoop ?? false,
  });
};
