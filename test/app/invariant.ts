/**
 * The invariant: the same input gives the same final results, however it was split into batches, interleaved,
 * exchanged (in memory or through topics) and committed, and whenever the machine lost power.
 *
 * The whole engine runs (crashing-run.ts). The naive oracle computes the expected results.
 */
import { deepEqual } from 'node:assert/strict'
import { partitionForBinary, type Random } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { lastRows, randomOptions, runThroughCrashes } from './crashing-run.ts'
import { type Event, program } from './invariant-program.ts'
import { expectedRows } from './invariant-rows.ts'

function randomEvents(random: Random): Event[] {
  const total = 20 + random.int(60)
  return Array.from({ length: total }, (_, n) => ({
    key: 'abcd'[random.int(4)]!,
    other: 'xyz'[random.int(3)]!,
    value: 1 + random.int(9),
    // Coarse, so that many times are equal, or at the bounds of windows.
    timestamp: 5 * Math.floor(Math.max(0, n * 6 - random.int(50) + (random.int(12) === 0 ? 60 : 0)) / 5),
  }))
}

async function oneCase(random: Random): Promise<void> {
  const partitions = 1 + random.int(3)
  const { app, input, outputs } = program(partitions)
  const events = randomEvents(random)
  const byPartition: Event[][] = Array.from({ length: partitions }, () => [])
  for (const event of events) byPartition[partitionForBinary(event.key, partitions)]!.push(event)
  const options = randomOptions(random)
  const records = events.map(({ key, value, other, timestamp }) => ({
    key,
    value: { value, other },
    timestamp,
  }))
  const written = await runThroughCrashes(app, [[input, records]], outputs, options, random)

  const label = JSON.stringify({ partitions, ...options })
  const expected = expectedRows(byPartition, events)
  for (const name of Object.keys(outputs) as (keyof typeof outputs)[]) {
    const rows = [...expected[name]].sort(([a], [b]) => (a < b ? -1 : 1))
    deepEqual(lastRows(written[name]), rows, `${name} ${label}`)
  }
}

export function check(): Promise<void> {
  return forSeeds(500, oneCase)
}
