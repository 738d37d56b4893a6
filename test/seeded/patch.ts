/** Applies a seeded bug. */
import type { SeededBug } from './seeded-bug.ts'

/** Returns `text` with the bug in it. Throws unless the text to replace occurs exactly once. */
export function patched(text: string, { name, file, find, replace }: SeededBug): string {
  const parts = text.split(find)
  if (parts.length !== 2)
    throw new Error(
      `The seeded bug '${name}' no longer fits: the text that it replaces occurs ${parts.length - 1} times in ${file}. Fix it in test/seeded/bugs/.`,
    )
  return parts.join(replace)
}
