/** One workspace in which the refusals of runs, limits and access can be met: runs in every state that refuses something. */
import { routes } from '#contracts/routes.ts';
import type { OperationId } from '#contracts/routes.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import type { Answer, Api, Asked } from '#test/support/cloud.ts';
import { callback, claimOne, deploy, fail, succeed, trigger } from '#test/support/cloud-assets.ts';

/** What a recipe is given. */
export interface Scene {
  readonly api: Api;
  /** A task at work by `w1`, in the run `demo.a`. */
  readonly working: DispatchEnvelope;
  /** A task that succeeded, and its run with it; its output is visible. */
  readonly ended: DispatchEnvelope;
  /** A task that succeeded with an output nobody has reported on. */
  readonly pending: DispatchEnvelope;
  /** A task whose first attempt failed and whose second waits for its instant. */
  readonly retrying: DispatchEnvelope;
  /** The first attempt of a task whose second is at work. */
  readonly stale: DispatchEnvelope;
  /** Asks an operation; names fill its path, which is of workspace `main` and of what exists nowhere otherwise. */
  readonly ask: (operationId: OperationId, names?: Names, asked?: Query) => Promise<Answer>;
}

type Names = Readonly<Record<string, string>>;
type Query = Asked & { readonly query?: string };

const NOWHERE: Names = {
  workspaceId: 'main',
  runId: 'run_01JAAAAAAAAAAAAAAAAAAAAAAA',
  taskKey: 'demo.nobody',
  taskId: 'ct1_bm9ib2R5',
  assetKey: 'demo.nobody',
  limitId: 'key:nobody',
};

/** Makes the scene. */
export const refusalScene = async (): Promise<Scene> => {
  const api = apiOf(await bootTestCloud());
  const policy = (baseMs: number) => ({ execution: { retry: { baseMs } } });
  await deploy(api, { a: [], late: policy(3_600_000), soon: policy(1_000), end: [], pend: [] });
  const taken = async (name: string): Promise<DispatchEnvelope> => {
    await trigger(api, [name]);
    return claimOne(api);
  };
  const working = await taken('a');
  const ended = await taken('end');
  await succeed(api, ended);
  await callback(api, 'visibility', ended, { visibilityState: 'VISIBLE' });
  const pending = await taken('pend');
  await succeed(api, pending, { outputVisibilityState: 'PENDING' });
  const retrying = await taken('late');
  await fail(api, retrying);
  const stale = await taken('soon');
  await fail(api, stale);
  await api.cloud.advance(1_001);
  await claimOne(api);
  return {
    ...{ api, working, ended, pending, retrying, stale },
    ask: (operationId, names = {}, { query = '', ...asked } = {}) => {
      const route = routes.find((one) => one.operationId === operationId);
      if (!route) throw new Error(`${operationId} is no operation`);
      const path = route.path.replaceAll(
        /\{([^}]+)\}/g,
        (_, name: string) => names[name] ?? NOWHERE[name] ?? 'nobody',
      );
      return api.ask(route.method, path + query, asked);
    },
  };
};
