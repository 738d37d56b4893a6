/** Runs the sides of a workload in turn and compares them: medians of wall time and of CPU seconds. */
import { deepStrictEqual } from 'node:assert'
import type { Comparison, Side, Workload } from './benchmark.ts'

/** Rounds that count, after one that does not. In each round every side runs once. */
export const rounds = 5

export interface Measurement {
  readonly comparison: Comparison
  readonly ours: Figures
  readonly theirs: Figures
  /** Records per CPU second, ours over theirs: the median of the rounds. */
  readonly ratio: number
}

export interface Figures {
  readonly perSecond: number
  /** User and system time of the whole process, its threads included, for a million records. */
  readonly cpuPerMillion: number
}

interface Run {
  readonly seconds: number
  readonly cpu: number
}

export async function measure({ records, comparisons }: Workload): Promise<Measurement[]> {
  const sides = [...new Set(comparisons.flatMap(({ theirs, ours }) => [theirs, ours]))]
  await check(sides)
  const runs = new Map<Side, Run[]>(sides.map(side => [side, []]))
  for (let round = 0; round < rounds; round += 1)
    // The order of the sides changes from round to round.
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) runs.get(side)!.push(await timed(side))
  const figuresOf = (side: Side): Figures => ({
    perSecond: records / median(runs.get(side)!.map(({ seconds }) => seconds)),
    cpuPerMillion: (median(runs.get(side)!.map(({ cpu }) => cpu)) / records) * 1e6,
  })
  return comparisons.map(comparison => {
    const { ours, theirs } = comparison
    const theirRuns = runs.get(theirs)!
    const ratio = median(runs.get(ours)!.map((run, round) => theirRuns[round]!.cpu / run.cpu))
    return { comparison, ours: figuresOf(ours), theirs: figuresOf(theirs), ratio }
  })
}

/** One uncounted run of each: all results must be equal. It also compiles the code. */
async function check([first, ...others]: readonly Side[]): Promise<void> {
  if (!first) return
  await first.run()
  const expected = await first.result()
  first.release?.()
  for (const side of others) {
    await side.run()
    const message: string = `'${side.name}' and '${first.name}' have different results, so their times cannot be compared`
    deepStrictEqual(await side.result(), expected, message)
    side.release?.()
  }
}

async function timed(side: Side): Promise<Run> {
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  await side.run()
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  side.release?.()
  return { seconds, cpu: (user + system) / 1e6 }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}
