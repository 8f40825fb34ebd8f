/** Workers report to the address their claim names, so that address has to lead back to the same port. */
import { expect, it } from 'vitest';

import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import { deploy, trigger } from '#test/support/cloud-assets.ts';

it('hands out an address with its tasks that takes their callbacks', async () => {
  const cloud = await bootTestCloud({ apiPort: 0 });
  const api = apiOf(cloud);
  await deploy(api, { raw: [] });
  await trigger(api, ['raw']);
  await cloud.settle();
  const post = async (url: string, token: string, body: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answered = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: answered.status, body: (await answered.json()) as Record<string, unknown> };
  };

  const claimed = await post(`${cloud.apiUrl}/v1/workspaces/main/workers/claim`, api.token, {
    workerId: 'wk-1',
  });
  const [task] = claimed.body['tasks'] as readonly Record<string, string>[];
  const { callbackBaseUrl, taskId, taskToken = '', attempt, attemptId } = task ?? {};
  const report = { attempt, attemptId, workerId: 'wk-1' };
  const answered = await post(`${callbackBaseUrl}/v1/callbacks/${taskId}/started`, taskToken, report);

  expect(callbackBaseUrl).toBe(cloud.apiUrl);
  expect(answered).toMatchObject({ status: 200, body: { acknowledged: true } });
});
