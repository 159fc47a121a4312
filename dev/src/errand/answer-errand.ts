import { type ErrorCode, type FieldError, toGuildhallError } from "@guildhall/errors";

/** What an errand's process tells the one that sent it. */
export type ErrandAnswer =
  | { readonly result: unknown }
  | {
      readonly failure: {
        readonly code: ErrorCode;
        readonly message: string;
        readonly fields: readonly FieldError[];
      };
    };

/** Does the errand that this process was started for, answers, and lets the process end. */
export function answerErrand<Input>(work: (input: Input) => Promise<unknown>): void {
  process.once("message", (message) => {
    const answered = work((message as { readonly input: Input }).input).then(
      (result): ErrandAnswer => ({ result }),
      (error): ErrandAnswer => {
        const { code, message, fields = [] } = toGuildhallError(error);
        return { failure: { code, message, fields } };
      },
    );
    void answered.then((answer) => process.send?.(answer, undefined, undefined, () => process.exit(0)));
  });
  // Nobody waits for the answer any more.
  process.once("disconnect", () => process.exit(1));
}
