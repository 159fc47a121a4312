/**
 * Waits until `condition` gives a truthy value (or its promise does) and returns it. A condition that throws is asked
 * again; when `timeoutMs` (10 s) has passed, its last error, or one that says so, is thrown.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, pollMs = 10 }: { readonly timeoutMs?: number; readonly pollMs?: number } = {},
): Promise<NonNullable<T>> {
  const endMs = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= endMs) {
      throw last ?? new Error(`not so within ${timeoutMs} ms: ${condition.toString().slice(0, 200)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}
