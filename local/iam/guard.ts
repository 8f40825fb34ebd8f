/** Stands before the engines: a call that the role of its caller does not allow is refused as AWS refuses it. */
import type { Grant, Verdict } from '#local/iam/policy.ts';
import { currentPrincipal } from '#local/iam/principal.ts';
import type { Principal } from '#local/iam/principal.ts';
import { requestedAccess } from '#local/iam/requested-access.ts';
import type { AccessScope, Requested } from '#local/iam/requested-access.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { ServiceName } from '#local/kernel/engine.ts';

/** A call that was refused. */
export interface Denial extends Grant {
  /** Who was refused, as AWS writes it. */
  readonly principal: string;
}

/** Judges calls by the role of whoever makes them. */
export interface Guard {
  /** Throws the refusal of the service, unless the caller's role allows all that the request needs. */
  readonly authorize: (request: Requested) => void;
  /** What a caller gets to see of an error: whoever may not list a bucket is not told that an object is missing. */
  readonly conceal: (error: AwsError, request: Requested) => AwsError;
  /** How AWS words that a role does not allow the access; undefined when it does. */
  readonly refusalOf: (principal: Principal, asked: Grant) => string | undefined;
  /** The first thousand different calls that were refused, in order. */
  readonly denials: () => readonly Denial[];
}

/** What a guard is made of. */
export interface GuardParts {
  readonly scope: AccessScope;
  /** Told of each denial once. */
  readonly log: (text: string) => void;
}

const DENIALS_KEPT_MAX = 1000;

/** A guard that has refused nothing yet. */
export const createGuard = ({ scope, log }: GuardParts): Guard => {
  const denials = new Map<string, Denial>();

  const note = (denial: Denial, message: string): void => {
    const key = `${denial.principal} ${denial.action} ${denial.resource}`;
    if (denials.has(key) || denials.size >= DENIALS_KEPT_MAX) return;
    denials.set(key, denial);
    log(`access denied: ${message}`);
  };
  const refusalOf: Guard['refusalOf'] = ({ arn, policy }, asked) => {
    const verdict = policy.judge(asked);
    if (verdict === 'allowed') return undefined;
    const message = refusalText(arn, asked, verdict);
    note({ principal: arn, ...asked }, message);
    return message;
  };
  return {
    refusalOf,
    authorize: (request) => {
      const principal = currentPrincipal();
      if (principal === undefined) return;
      for (const asked of requestedAccess(request, scope)) {
        const message = refusalOf(principal, asked);
        if (message !== undefined) throw accessDenied(request, message);
      }
    },
    conceal: (error, request) => {
      const principal = currentPrincipal();
      if (principal === undefined || error.code !== 'NoSuchKey') return error;
      const resource = `arn:aws:s3:::${String(request.input['Bucket'])}`;
      const message = refusalOf(principal, { action: 's3:ListBucket', resource });
      return message === undefined ? error : accessDenied(request, message);
    },
    denials: () => [...denials.values()],
  };
};

const refusalText = (
  principalArn: string,
  { action, resource }: Grant,
  verdict: Exclude<Verdict, 'allowed'>,
): string => {
  const why =
    verdict === 'denied'
      ? `because no identity-based policy allows the ${action} action`
      : 'with an explicit deny in an identity-based policy';
  return `User: ${principalArn} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
};

const accessDenied = ({ service }: Requested, message: string): AwsError =>
  service === 's3'
    ? new AwsError('AccessDenied', message, { status: 403 })
    : new AwsError('AccessDeniedException', message, { status: FORBIDDING.has(service) ? 403 : 400 });

/** Services that refuse what is forbidden with status 403; the others do with 400. */
const FORBIDDING: ReadonlySet<ServiceName> = new Set(['sqs', 'lambda']);
