/** Requests to the HTTP contract, with errors turned into lines a person can act on. */
import { randomUUID } from 'node:crypto';
import { CliError } from '#cli/cli-error.ts';
import type { Target } from '#cli/discovery.ts';

export interface RequestOptions {
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly token?: string;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Client {
  readonly workspace: string;
  /** The answer's JSON; a refusal is thrown as a `CliError` with the code of the server. */
  readonly request: (method: string, path: string, options?: RequestOptions) => Promise<unknown>;
}

export interface HttpClient extends Client {
  /** A successful answer as it comes, for what is no JSON; refusals as above. */
  readonly open: (method: string, path: string, options?: RequestOptions) => Promise<Response>;
}

/** A client of one target; paths may start with `{ws}` for the workspace's prefix, or be whole URLs. */
export const httpClient = (target: Target): HttpClient => {
  const open: HttpClient['open'] = async (method, path, options = {}) => {
    const url = urlOf(target, path);
    for (const [name, value] of Object.entries(options.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const response = await send(url, {
      method,
      headers: {
        authorization: `Bearer ${options.token ?? target.token}`,
        'x-request-id': randomUUID(),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey }),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (!response.ok) throw refusalOf(response, await jsonOf(response));
    return response;
  };
  return {
    workspace: target.workspace,
    open,
    request: async (...asked) => jsonOf(await open(...asked)),
  };
};

const urlOf = ({ url, workspace }: Target, path: string): URL =>
  new URL(
    /^https?:/.test(path)
      ? path
      : url + path.replace('{ws}', `/v1/workspaces/${encodeURIComponent(workspace)}`),
  );

const send = async (url: URL, init: RequestInit): Promise<Response> => {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    throw new CliError('unavailable', `${url.origin} does not answer; is "sluice up" running?`);
  }
};

const jsonOf = async (response: Response): Promise<unknown> => answeredJson(response, await response.text());

/** The JSON that the text of an answer is; nothing for none. Refuses what is no JSON (`internal`). */
export const answeredJson = ({ status }: Pick<Response, 'status'>, text: string): unknown => {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new CliError('internal', `the answer (${status}) is no JSON: ${text.slice(0, 200)}`);
  }
};

const refusalOf = ({ status }: Response, body: unknown): CliError => {
  const {
    code = 'internal',
    message = `status ${status}`,
    details,
  } = (body ?? {}) as {
    code?: string;
    message?: string;
    details?: unknown;
  };
  return new CliError(code, message, { details });
};
