import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** A finding of the security checks that is accepted on exactly one resource, and why. */
export interface Acknowledgement {
  /** Rule, with the finding in brackets where a rule has several: `AwsSolutions-IAM5[Resource::*]`. */
  readonly rule: string;
  readonly reason: string;
}

/** Accepts findings on one construct; a test counts them and refuses one that nothing needs. */
export const acknowledge = (construct: IConstruct, ...accepted: readonly Acknowledgement[]): void =>
  Validations.of(construct).acknowledge(...accepted.map(({ rule, reason }) => ({ id: rule, reason })));
