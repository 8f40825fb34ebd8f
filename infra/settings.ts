/** What a deployment may choose; read from the CDK context (`-c stage=prod`), with the defaults of stage `dev`. */
import type { Node } from 'constructs';
import * as z from 'zod';

import { Limits } from '#contracts/config.ts';
import { TenantId, WorkspaceId } from '#contracts/ids.ts';
import { Stage } from '#contracts/naming.ts';

const Settings = z.strictObject({
  stage: Stage.default('dev'),
  tenant: TenantId.default(TenantId.parse('local')),
  /** The workspace whose market records the market stream carries. */
  workspace: WorkspaceId.default(WorkspaceId.parse('main')),
  /** Folder with one bundle per function, as `tools/build` writes it. */
  dist: z.string().min(1).default('dist'),
  /** `off` leaves the market streams and their functions out, which is most of what an idle stage costs. */
  feeds: z.enum(['on', 'off']).default('on'),
  /** How long market records can be read again; 24 in `dev`, where each further hour costs, 168 elsewhere. */
  marketRetentionHours: z.coerce.number().int().min(24).max(8_760).optional(),
  /** Batches of ten tasks that functions of customers make at once; each holds an invocation of `run-task`. */
  functionTasksMax: z.coerce.number().int().min(2).max(1_000).default(50),
  /** SNS topic that hears alarms; without it alarms only show on the dashboard. */
  alarmTopicArn: z.string().startsWith('arn:').optional(),
  /** JSON of limits that differ from their defaults. */
  limits: z
    .string()
    .refine((text) => Limits.safeParse(JSON.parse(text)).success, 'must be JSON of known limits')
    .optional(),
});
type Settings = z.infer<typeof Settings>;

/** The settings of one deployment with every default filled in. */
export interface StackSettings extends Omit<Settings, 'marketRetentionHours'> {
  readonly marketRetentionHours: number;
}

/** The settings in the context of the app; throws naming what is malformed. */
export const readSettings = (node: Node): StackSettings => {
  const given = Object.fromEntries(
    Object.keys(Settings.shape)
      .map((key) => [key, node.tryGetContext(key) as unknown] as const)
      .filter(([, value]) => value !== undefined),
  );
  const settings = Settings.parse(given);
  return {
    ...settings,
    marketRetentionHours: settings.marketRetentionHours ?? (settings.stage === 'dev' ? 24 : 168),
  };
};
