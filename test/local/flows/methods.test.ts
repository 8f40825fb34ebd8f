/** Every path of the table says which methods it answers, to anybody, whatever is sent along. */
import { expect, it } from 'vitest';

import { ErrorBody } from '#contracts/errors.ts';
import { routes } from '#contracts/routes.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

it('answers a method that a known path does not have with 405 and Allow, and an unknown path with 404', async () => {
  const cloud = await bootTestCloud();
  const api = apiOf(cloud);
  const paths = [...new Set(routes.map(({ path }) => path))];

  for (const path of paths) {
    const allowed: readonly string[] = routes
      .filter((route) => route.path === path)
      .map(({ method }) => method);
    for (const method of METHODS.filter((one) => !allowed.includes(one))) {
      const answer = await api.ask(method, path.replaceAll(/\{[^}]+\}/g, 'any'), {
        bearer: null,
        body: 'no json',
        headers: { 'content-type': 'text/plain', 'x-request-id': 'r-1' },
      });

      expect([method, path, answer.status, answer.headers['allow']]).toEqual([
        method,
        path,
        405,
        [allowed.join(', ')],
      ]);
      expect(ErrorBody.parse(answer.body)).toMatchObject({ code: 'method_not_allowed', requestId: 'r-1' });
    }
  }
  expect(await api.ask('DELETE', '/v1/nowhere')).toMatchObject({
    status: 404,
    body: { code: 'route_not_found' },
  });
  expect(cloud.faultLines()).toEqual([]);
});
