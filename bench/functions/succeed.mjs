/** The function of a customer that does nothing: what is measured is what goes on around it. */
export const handler = async () => ({ outcome: 'SUCCEEDED', output: {} });
