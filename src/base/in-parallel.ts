/** Work on many items, some at a time. */

/**
 * Calls `action` on every item, `concurrency` at a time. Settles when no call is in progress. After a failure
 * fewer calls run at a time; the first failure is thrown at the end.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  concurrency: number,
  action: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items].values()
  const worker = async (): Promise<void> => {
    for (const item of left) await action(item)
  }
  const results = await Promise.allSettled(Array.from({ length: concurrency }, worker))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
