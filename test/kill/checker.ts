/**
 * Reads what killed processes have left: no record lost, doubled, aborted but read, or out of order per key;
 * no transaction left open. Compaction has kept the last count of each key, and retention the end of a topic.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Log } from '../../src/index.ts'
import { counted, input, keys, latest, partitions, recent } from './program.ts'

/** The number of records that are left in topics to which all were written. */
export interface Left {
  readonly compacted: number
  readonly retained: number
}

/** Runs after all records 1 to `total` of each key were published and counted. */
export async function checkCounts(log: Log, total: number): Promise<Left> {
  const expected = Array.from({ length: total }, (_, i) => i + 1)
  const published = new Map(keys.map((key): [string, number[]] => [key, []]))
  for await (const { key, value } of log.consumer(input, { until: 'end' })) {
    ok(key !== null && value !== null)
    equal(value.poison, false, 'an aborted record was read')
    published.get(key)?.push(value.n)
  }
  for (const key of keys) deepEqual(published.get(key), expected, `what was published for ${key}`)

  const counts = new Map(keys.map((key): [string, number[]] => [key, []]))
  for await (const { key, value } of log.consumer(counted, { until: 'end' })) {
    ok(key !== null && value !== null)
    equal(value.poison, false, 'an aborted record was counted')
    equal(value.count, value.last, 'a count that skips or repeats')
    counts.get(key)?.push(value.count)
  }
  for (const key of keys) deepEqual(counts.get(key), expected, `what was counted for ${key}`)

  const last = new Map<string | null, number | undefined>()
  let compacted = 0
  for await (const { key, value } of log.consumer(latest, { until: 'end' })) {
    last.set(key, value?.count)
    compacted += 1
  }
  for (const key of keys) equal(last.get(key), total, `the last count of ${key}`)

  const kept = new Map(keys.map((key): [string, number[]] => [key, []]))
  for await (const { key, value } of log.consumer(recent, { until: 'end' })) {
    ok(key !== null && value !== null)
    equal(value.poison, false, 'an aborted record was kept')
    kept.get(key)?.push(value.n)
  }
  for (const [key, found] of kept) {
    ok(found.length > 0, `nothing was kept of ${key}`)
    deepEqual(found, expected.slice(-found.length), `what retention left of ${key}`)
  }

  for (let partition = 0; partition < partitions; partition += 1) {
    const [stable, end] = await Promise.all(
      (['read_committed', 'read_uncommitted'] as const).map(isolation =>
        log.port.offsets(input.name, partition, 'latest', isolation),
      ),
    )
    equal(stable, end, 'a transaction was left open')
    const [committed] = await log.port.committedOffsets('counting', [{ topic: input.name, partition }])
    equal(committed?.offset, end, 'the committed offset is the end of what was counted')
  }
  const retained = [...kept.values()].flat().length
  return { compacted, retained }
}
