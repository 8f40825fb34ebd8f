/** A stage whose worker queue `fn` is served by a Lambda function that the test is. */
import type { CreateHandler, HostPlugin } from '#local/lambda/function-contract.ts';
import type { BootOptions } from '#local/boot/cloud.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { apiOf, bootTestCloud, inMain, sourceModules } from '#test/support/cloud.ts';
import type { Api, Expectations } from '#test/support/cloud.ts';
import { deploy } from '#test/support/cloud-assets.ts';

/** A name within the reach of the workspace `main`. */
export const FUNCTION = 'sluice-dev-worker-yw3l55s5hy-fn';
/** The location of the function. */
export const runner = inMain('/execution-locations/runner');

/** What the function does with the envelope of an attempt. */
export type Make = (task: DispatchEnvelope, plugin: Pick<HostPlugin, 'sleep'>) => unknown;

export interface FunctionStage {
  readonly api: Api;
  /** Every envelope the function was invoked with, in order. */
  readonly invoked: readonly DispatchEnvelope[];
}

/** Boots it with these assets, all of the queue `fn`, by their upstreams. */
export const functionStage = async (
  assets: Readonly<Record<string, readonly string[]>>,
  make: Make = () => undefined,
  { expectations, ...options }: Partial<BootOptions> & { readonly expectations?: Expectations } = {},
): Promise<FunctionStage> => {
  const invoked: DispatchEnvelope[] = [];
  const createHandler: CreateHandler = (_, plugin) => async (event) => {
    const task = event as DispatchEnvelope;
    invoked.push(task);
    if (!plugin) throw new Error('the local cloud lends its clock');
    return make(task, plugin);
  };
  const cloud = await bootTestCloud(
    {
      ownFunctions: [{ name: FUNCTION, file: 'function.mjs' }],
      importModule: (setting) =>
        setting.name === FUNCTION ? Promise.resolve({ createHandler }) : sourceModules(setting),
      ...options,
    },
    expectations,
  );
  const api = apiOf(cloud);
  await api.must('PUT', runner, { kind: 'lambda', workerQueue: 'fn', functionName: FUNCTION });
  await deploy(
    api,
    Object.fromEntries(
      Object.entries(assets).map(([name, upstreams]) => [
        name,
        { after: upstreams, execution: { queue: 'fn' } },
      ]),
    ),
  );
  return { api, invoked };
};
