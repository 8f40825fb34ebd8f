/** A queue as event source mappings and the cloud read it: without polling, told when something can be received. */

/** A received message in the shape of SQS `ReceiveMessage`, with all attributes. */
export interface QueueMessage {
  readonly MessageId: string;
  readonly ReceiptHandle: string;
  readonly Body: string;
  readonly MD5OfBody: string;
  readonly Attributes: Readonly<Record<string, string>>;
  readonly MessageAttributes?: Readonly<
    Record<
      string,
      { readonly DataType: string; readonly StringValue?: string; readonly BinaryValue?: string }
    >
  >;
}

/** One queue, read without waiting. */
export interface QueueSource {
  readonly arn: string;
  /** Takes what is visible now, at most ten; never waits. */
  readonly receive: (countMax: number) => readonly QueueMessage[];
  readonly remove: (message: QueueMessage) => void;
  /** Moves the message to the dead-letter queue of this queue, or drops it when there is none. */
  readonly discard: (message: QueueMessage) => void;
  /** Calls back whenever something may have become receivable: sent, delay or visibility over, group released. */
  readonly watch: (listener: () => void) => void;
}
