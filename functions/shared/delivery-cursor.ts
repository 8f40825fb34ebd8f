/** The name of the cursor that says what of a stream's outputs was delivered; its position is the last event's sequence. */
export const deliveryCursor = (stream: string): string => `publish#${stream}`;
