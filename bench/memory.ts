/**
 * Whether a reader and a writer need the same memory however much they move: heap, external and resident
 * bytes before and after many passes over the same records.
 */
import { setTimeout } from 'node:timers/promises'
import { collectGarbage } from '../test/collect-garbage.ts'

/** Passes that count, after as many that fill caches and pools. */
const passes = 4
/** What may come on top: the process has other work too. One pass moves 200 MB. */
export const growthBytesMax: number = 48 * 1024 * 1024

/** How much more the process holds after {@link passes} of `work` than before, in bytes. */
export async function growthOf(work: () => Promise<unknown>): Promise<number> {
  const before = await heldAfter(work)
  return (await heldAfter(work)) - before
}

async function heldAfter(work: () => Promise<unknown>): Promise<number> {
  for (let pass = 0; pass < passes; pass += 1) await work()
  collectGarbage()
  // V8 gives pages back a little later.
  await setTimeout(200)
  const { heapUsed, external, rss } = process.memoryUsage()
  return Math.max(heapUsed + external, rss)
}
