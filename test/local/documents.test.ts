/** Requests and answers that documents show are made, in their order, on a cloud of its own for each document. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { differences, filledIn, shownJson, shownRequests } from '#test/support/shown-requests.ts';
import type { Names, Shown } from '#test/support/shown-requests.ts';
import { inProject, trackedFiles } from '#test/support/tracked-files.ts';

const documents = trackedFiles()
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, shown: shownRequests(readFileSync(inProject(name), 'utf8')) }))
  .filter(({ shown }) => shown.length > 0);

/** Makes one request, or lets time pass, and tells where the answer is not the one shown. */
const play = async (api: Api, one: Shown, names: Names): Promise<readonly string[]> => {
  if (one.kind === 'wait') {
    await api.cloud.advance(one.seconds * 1_000);
    return [];
  }
  const { authorization, ...headers } = one.headers;
  const path = filledIn(one.path, names);
  const { status, body } = await api.ask(one.method, path, {
    headers,
    ...(authorization === undefined ? {} : { bearer: filledIn(authorization, names).replace('Bearer ', '') }),
    ...(one.body === '' ? {} : { body: JSON.parse(filledIn(one.body, names)) as unknown }),
  });
  // Lists follow the ledger within moments, which have passed for a reader.
  await api.cloud.settle();
  const wrong = [
    ...(status === one.status ? [] : [`answered ${status} ${JSON.stringify(body)}`]),
    ...(one.answer === '' ? [] : differences(shownJson(one.answer), body, names)),
  ];
  return wrong.map((difference) => `${one.method} ${path}: ${difference}`);
};

it('finds the documents that show requests with their answers', () => {
  expect(documents.map(({ name }) => name).sort()).toEqual([
    'docs/guide/partitions.md',
    'docs/guide/runs.md',
    'docs/guide/workers.md',
    'docs/runbooks/orchestration-lineage-conflict-diagnostics.md',
  ]);
});

it('reads every request of a document that shows an answer, and no other', () => {
  const block = (...lines: readonly string[]): string => ['```http', ...lines, '```', ''].join('\n');
  const wait = block('WAIT 60 s');
  const bare = block('GET /bare');
  const full = block('PUT /b', 'if-match: "1"', '{ "a": 1 }', '', 'HTTP 409', '{ "code": "x", … }');

  expect(shownRequests(`${wait}<!--\n${block('GET /a', '', 'HTTP 204')}-->\n${bare}${full}`)).toEqual([
    { kind: 'wait', seconds: 60 },
    { kind: 'request', method: 'GET', path: '/a', headers: {}, body: '', status: 204, answer: '' },
    {
      ...{ kind: 'request', method: 'PUT', path: '/b', headers: { 'if-match': '"1"' } },
      ...{ body: '{ "a": 1 }', status: 409, answer: '{ "code": "x", … }' },
    },
  ]);
});

it('tells each member of an answer that is not as it is shown', () => {
  const names: Names = new Map();
  const told = (shown: string, actual: unknown) => differences(shownJson(shown), actual, names);

  expect(
    told('{ "run": "{run}", "at": "{time}", "n": 1 }', { run: 'r-1', at: '2026-01-02T00:00:00.000Z', n: 1 }),
  ).toEqual([]);
  expect(told('{ "path": "runs/{run}.log", … }', { path: 'runs/r-1.log', more: 1 })).toEqual([]);
  expect(told('{ "run": "{run}" }', { run: 'r-2' })).toEqual(['$.run is "r-2"']);
  expect(told('{ "at": "{time}" }', { at: 'soon' })).toEqual(['$.at is "soon"']);
  expect(told('{ "n": 1 }', { n: 2, m: 3 })).toEqual(['$.m is not shown: 3', '$.n is 2']);
  expect(told('{ "n": 1, "m": "x" }', { n: 1 })).toEqual(['$.m is undefined']);
  expect(told('{ "list": [1, 2] }', { list: [1] })).toEqual(['$.list is [1]']);
  expect(told('{ "list": [{ "n": 1 }] }', { list: [{ n: 2 }] })).toEqual(['$.list[0].n is 2']);
  expect(() => filledIn('/runs/{nobody}', names)).toThrow('{nobody} was not answered before it is used');
});

it.each(documents)('answers as $name shows', async ({ shown }) => {
  const api = apiOf(await bootTestCloud());
  const names: Names = new Map();
  const wrong: string[] = [];
  for (const one of shown) wrong.push(...(await play(api, one, names)));

  expect(wrong).toEqual([]);
  expect(api.cloud.faultLines()).toEqual([]);
});
