/** A modelled AWS exception: what the engine throws and every wire protocol renders. */
export class AwsError extends Error {
  /** Exception name on the wire, for example `ConditionalCheckFailedException`. */
  readonly code: string;
  readonly status: number;
  /** Further members of the exception, for example `Item` or `CancellationReasons`. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { readonly status?: number; readonly details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = options.status ?? 400;
    this.details = options.details ?? {};
  }
}

/** The refusal DynamoDB, Kinesis and most services give to malformed input. */
export const validation = (message: string): AwsError => new AwsError('ValidationException', message);
