/** The body of a request as JSON. */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { ApiError } from '#functions/shared/api-error.ts';

/** The parsed body, undefined where there is none; refuses what is too large, no JSON, or could not be borne. */
export const bodyOf = (
  event: Pick<APIGatewayProxyEvent, 'body' | 'isBase64Encoded'>,
  contentType: string | undefined,
  limitBytes: number,
): unknown => {
  if (event.body === null || event.body === undefined || event.body === '') return undefined;
  const text = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString('utf8') : event.body;
  const bytes = Buffer.byteLength(text);
  if (bytes > limitBytes)
    throw new ApiError('payload_too_large', `the body has ${bytes} bytes, allowed are ${limitBytes}`, {
      details: { limitBytes },
    });
  if (contentType !== undefined && !/^application\/json\s*(;|$)/i.test(contentType))
    throw new ApiError('unsupported_media_type', `content-type is ${contentType}; send application/json`);
  checkForm(text);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ApiError('invalid_json', 'the body is not valid JSON');
  }
};

/** Nesting the schemas can walk without running out of stack. */
const DEPTH_MAX = 64;

/** Refuses what parsing would accept and later steps could not bear: abysses, and names that vanish in objects. */
const checkForm = (text: string): void => {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (isInString) {
      if (character === '\\') index++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') depth--;
    if (depth > DEPTH_MAX)
      throw new ApiError('invalid_request', `the body nests deeper than ${DEPTH_MAX} levels; flatten it`);
  }
  if (/"__proto__"\s*:/.test(text))
    throw new ApiError('invalid_request', 'a member may not be called __proto__; choose another name');
};
