/** The cursor that says what of a stream's outputs was delivered, and the mark at its place while they are refused. */
import * as z from 'zod';

/** The name of the cursor; its position is the sequence of the last event whose outputs were taken. */
export const deliveryCursor = (stream: string): string => `publish#${stream}`;

/** How a blocked delivery stands. What newer code adds is passed over. */
export const DeliveryMark = z.object({
  /** The try that comes next. */
  attempt: z.int().min(1),
  sinceMs: z.int(),
  nextAtMs: z.int(),
  isHalted: z.boolean(),
  /** What was wrong, kept so that a halt can be told again. */
  errorDetail: z.string().default(''),
  /** Set while a person's resumption is at work: the block it ended. */
  resumedBlockMs: z.int().optional(),
  /** Who holds the try, so that of two deliveries of one message one works. */
  holder: z.string().optional(),
});
export type DeliveryMark = z.infer<typeof DeliveryMark>;

const MarkText = z
  .string()
  .transform((text, { addIssue }): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      addIssue('is no JSON');
      return z.NEVER;
    }
  })
  .pipe(DeliveryMark);

/** The mark at a cursor's place; undefined when there is none, or none that can be read. */
export const deliveryMarkOf = (place: string | undefined): DeliveryMark | undefined =>
  MarkText.safeParse(place).data;
