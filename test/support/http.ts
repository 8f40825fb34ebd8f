/** Requests over the network to a process under test, with every answer as it comes, refusals too. */
import type { Serving } from '#test/support/process.ts';

/** An answer with its text, and what the text says where it is JSON. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What goes with a request; the admin's token unless another is named. */
export interface HttpAsked {
  readonly body?: object;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks the process; a path is below `/v1`. */
export const askHttp =
  ({ url, token: adminToken }: Pick<Serving, 'url' | 'token'>) =>
  async (
    method: string,
    path: string,
    { body, token = adminToken, headers = {} }: HttpAsked = {},
  ): Promise<HttpAnswer> => {
    const response = await fetch(`${url}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    const parsed = isJson ? (JSON.parse(text) as HttpAnswer['body']) : {};
    return { status: response.status, headers: response.headers, text, body: parsed };
  };
