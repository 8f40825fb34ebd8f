/** Plants secrets in every input a client has, over the HTTP API, and keeps everything clients were answered. */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text goes as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** Sends one request; answers status and text. */
export type Send = (request: Sent) => Promise<{ readonly status: number; readonly text: string }>;

/** What was planted and what clients saw of it. */
export interface Planted {
  /** By where it was planted. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Answers to everything but the claim, which hands the task token to its worker. */
  readonly answers: readonly string[];
  /** Statuses of the requests that carried secrets, in order. */
  readonly statuses: readonly number[];
}

const word = (name: string): string => `planted${name}0f9e8d7c6b5a`;

const manifest = {
  manifestVersion: '1.0',
  codeVersionId: 'secrets-1',
  assets: [
    {
      key: { namespace: 'secret', name: 'keeper' },
      id: 'keeper',
      execution: { retry: { baseMs: 0, maxAttempts: 5 } },
    },
  ],
};

/** Deploys, runs and claims with good credentials, and plants on the way; a claim waits so long for its task. */
export const plantSecrets = async (send: Send, adminToken: string, waitMs: number): Promise<Planted> => {
  const answers: string[] = [];
  const statuses: number[] = [];
  const workspace = '/v1/workspaces/main';
  const ask = async (method: string, path: string, body?: unknown): Promise<string> => {
    const { text } = await send({ method, path, token: adminToken, body });
    answers.push(text);
    return text;
  };
  const plant = async (request: Sent): Promise<void> => {
    const { status, text } = await send(request);
    statuses.push(status);
    answers.push(text);
  };
  const claim = async (): Promise<DispatchEnvelope> => {
    const body = { workerId: 'w', waitMs };
    for (let tries = 0; tries < 10; tries++) {
      const { text } = await send({
        method: 'POST',
        path: `${workspace}/workers/claim`,
        token: adminToken,
        body,
      });
      const [task] = ClaimResponse.parse(JSON.parse(text)).tasks;
      if (task) return task;
    }
    throw new Error('no task came');
  };

  await ask('POST', `${workspace}/manifests`, manifest);
  const run = JSON.parse(await ask('POST', `${workspace}/runs`, { selection: ['secret.keeper'] })) as {
    runId: string;
  };

  const bearer = word('Bearer');
  const jwt = `eyJhbGciOiJFUzI1NiJ9.${Buffer.from(`{"sub":"${word('Jwt')}"}`).toString('base64url')}.c2ln`;
  await plant({ method: 'GET', path: `${workspace}/runs`, token: bearer });
  await plant({ method: 'GET', path: `${workspace}/runs`, token: jwt });
  const query = `token=${word('Query')}`;
  await plant({ method: 'GET', path: `${workspace}/runs?${query}`, token: adminToken });
  await plant({
    method: 'POST',
    path: `${workspace}/runs`,
    token: adminToken,
    headers: { 'idempotency-key': word('Key').repeat(2), cookie: `session=${word('Cookie')}` },
    body: `{"password":"${word('Broken')}`,
  });

  const first = await claim();
  const at = ({ taskId }: DispatchEnvelope, kind: string): string => `/v1/callbacks/${taskId}/${kind}`;
  const reportOf = ({ attempt, attemptId }: DispatchEnvelope) => ({ attempt, attemptId, workerId: 'w' });
  await plant({
    method: 'POST',
    path: at(first, 'heartbeat'),
    token: word('TaskToken'),
    body: reportOf(first),
  });
  await plant({
    method: 'POST',
    path: at(first, 'heartbeat'),
    token: first.taskToken,
    body: { ...reportOf(first), progressPct: 5, message: `api_key=${word('Progress')} still busy` },
  });
  await plant({
    method: 'POST',
    path: at(first, 'completed'),
    token: first.taskToken,
    body: {
      ...reportOf(first),
      outcome: 'FAILED',
      error: {
        category: 'INFRASTRUCTURE',
        message: `cannot reach postgres://app:${word('Url')}@db/x: password=${word('Message')}`,
        stackTrace: `at connect({ "secret": "${word('Stack')}" })\nAuthorization: Bearer ${word('Trace')}`,
      },
      partialProgress: { credentials: word('Partial'), note: `token: ${word('Note')}` },
    },
  });
  const second = await claim();
  await plant({
    method: 'POST',
    path: at(second, 'completed'),
    token: second.taskToken,
    body: {
      ...reportOf(second),
      outcome: 'SUCCEEDED',
      output: {
        outputPath: `s3://user:${word('Output')}@bucket/path?X-Amz-Signature=${word('Signature')}`,
        publishError: `secret=${word('Publish')}`,
        outputVisibilityState: 'VISIBLE',
      },
    },
  });
  for (const part of ['', '/tasks', '/why', '/events?limit=200'])
    await ask('GET', `${workspace}/runs/${run.runId}${part}`);
  await ask('GET', `${workspace}/runs?limit=200`);

  const names = [
    ...['Bearer', 'Jwt', 'Query', 'Key', 'Cookie', 'Broken', 'TaskToken', 'Progress', 'Url', 'Message'],
    ...['Stack', 'Trace', 'Partial', 'Note', 'Output', 'Signature', 'Publish'],
  ];
  const secrets = Object.fromEntries(names.map((name) => [name, word(name)]));
  return {
    secrets: { ...secrets, adminToken, jwt, taskToken: first.taskToken, laterTaskToken: second.taskToken },
    answers,
    statuses,
  };
};
