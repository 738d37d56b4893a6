/** Runs a comparison: pairs in turn, medians, wall time and CPU seconds of both sides. */
import { deepStrictEqual } from 'node:assert'
import type { Comparison, Side } from './benchmark.ts'

/** Pairs that count, after one that does not. */
const pairs = 5

export interface Measurement {
  readonly name: string
  readonly ours: { readonly perSecond: number; readonly cpuPerMillion: number }
  readonly theirs: { readonly name: string; readonly perSecond: number; readonly cpuPerMillion: number }
  /** Records per second, ours over theirs: the median of the pairs'. */
  readonly ratio: number
  readonly reach: number
}

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
}

export async function measure(comparison: Comparison): Promise<Measurement> {
  const { name, records, ours, theirs, reach } = comparison
  // Once each, uncounted: for the check, and so that both are compiled.
  deepStrictEqual(
    await ours.run(),
    await theirs.run(),
    `${name}: the results differ, so the times mean nothing`,
  )
  const ourRuns: Run[] = []
  const theirRuns: Run[] = []
  for (let n = 0; n < pairs; n += 1) {
    // Who goes first changes from pair to pair.
    for (const [side, runs] of n % 2 === 0
      ? ([
          [ours, ourRuns],
          [theirs, theirRuns],
        ] as const)
      : ([
          [theirs, theirRuns],
          [ours, ourRuns],
        ] as const))
      runs.push(await timed(side))
  }
  const figures = (runs: readonly Run[]): { perSecond: number; cpuPerMillion: number } => ({
    perSecond: records / median(runs.map(({ seconds }) => seconds)),
    cpuPerMillion: (median(runs.map(({ cpuSeconds }) => cpuSeconds)) / records) * 1e6,
  })
  return {
    name,
    ours: figures(ourRuns),
    theirs: { name: theirs.name, ...figures(theirRuns) },
    ratio: median(ourRuns.map(({ seconds }, i) => (theirRuns[i] as Run).seconds / seconds)),
    reach,
  }
}

async function timed(side: Side): Promise<Run> {
  globalThis.gc?.()
  const cpu = process.cpuUsage()
  const start = performance.now()
  await side.run()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { seconds, cpuSeconds: (user + system) / 1e6 }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] as number
}
