/**
 * The invariant (invariant.ts) for each operator with state: an undisturbed run over one partition, and a run
 * over several, by any exchange and through losses of power, give the same. No record is late: which ones are
 * depends on partitions.
 */
import { deepEqual } from 'node:assert/strict'
import type { Random } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { appOf, type StatefulProgram, statefulPrograms } from '../stream/stateful-programs.ts'
import { lastRows, type Published, randomOptions, runThroughCrashes, type Written } from './crashing-run.ts'

const programs = statefulPrograms.filter(({ promises }) => promises !== 'nothing')

function randomRecords(random: Random): Published[] {
  return Array.from({ length: 10 + random.int(40) }, (_, n) => ({
    key: 'abcd'[random.int(4)]!,
    value: random.int(10) === 0 ? null : 1 + random.int(9),
    timestamp: 6 * n + random.int(20),
  }))
}

/** What is promised of the results. */
function promised({ promises }: StatefulProgram, written: readonly Written[]): unknown {
  if (promises === 'rows') return lastRows(written)
  if (promises === 'values') return lastRows(written).map(([key, [value]]) => [key, value])
  return written.map(record => JSON.stringify(record)).sort()
}

async function oneCase(random: Random, seed: number): Promise<void> {
  const program = programs[seed % programs.length]!
  const records = [randomRecords(random), randomRecords(random), randomRecords(random).slice(0, 5)]
  const run = async (partitions: number, options: object, crashesMax: number): Promise<unknown> => {
    const { app, inputs, results } = appOf(program, partitions)
    const published = inputs.map((input, n) => [input, records[n]!] as const)
    const written = await runThroughCrashes(app, published, { results }, options, random, crashesMax)
    return promised(program, written.results)
  }
  const partitions = 1 + random.int(3)
  const options = randomOptions(random)
  const label = `${program.name} ${JSON.stringify({ partitions, ...options })}`
  const found = await run(partitions, options, 4)
  const calmly = await run(program.seesWatermarks === true ? partitions : 1, { exchange: 'memory' }, 0)
  deepEqual(found, calmly, label)
}

export function check(): Promise<void> {
  return forSeeds(30 * programs.length, oneCase)
}
