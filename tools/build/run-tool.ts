/** Runs a tool of the command line: a failure is one message and exit code 1, without a stack. */
export const runTool = async (act: () => Promise<void>): Promise<void> => {
  try {
    await act();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
};
