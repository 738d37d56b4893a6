/**
 * Power losses and kills at any call to the disk, and clean stops, with transactions and offsets in flight.
 * After each, for every writer: all its partitions show the same transactions, that is every acknowledged one
 * and at most one more. The offset committed with them agrees; no aborted record shows; no transaction is
 * left open. A plain writer's acknowledged records are there.
 */
import assert from 'node:assert/strict'
import type { Random } from '../../src/base/index.ts'
import type { LogPort, Writer } from '../../src/port/index.ts'
import { append, drain } from '../../src/port/conformance/harness.ts'
import { forSeeds } from '../for-seeds.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'

const partitions = [0, 1, 2]
const crashesPerSeed = 4
/** Calls to the disk between two crashes, at most. */
const callsMax = 250

/** Transactions of each writer before a clean stop, at most. */
const transactionsMax = 30

interface Progress {
  acknowledged: number
  attempted: number
}

/**
 * Commits transactions 1, 2, 3, … , each to all partitions together with its number as an offset, until one
 * fails or the given number is done.
 */
async function transact(
  port: LogPort,
  name: string,
  progress: Progress,
  random: Random,
  count: number,
): Promise<void> {
  const writer = await port.openWriter({ transactionalId: name })
  for (let n = 0; n < count; n += 1) {
    const number = progress.acknowledged + 1
    const aborts = random.int(4) === 0
    await writeAll(writer, aborts ? `${name}-x` : `${name}-${number}`, random)
    if (aborts) await writer.abort()
    else {
      progress.attempted = number
      await writer.commit({ group: name, offsets: [{ topic: 'shared', partition: 0, offset: number }] })
      progress.acknowledged = number
    }
  }
}

async function writeAll(writer: Writer, value: string, random: Random): Promise<void> {
  const appends = partitions
    .toSorted(() => random.next() - 0.5)
    .map(partition => append(writer, 'shared', [value], partition))
  await Promise.all(appends)
}

async function publish(port: LogPort, progress: Progress, count: number): Promise<void> {
  const writer = await port.openWriter()
  for (let n = 0; n < count; n += 1) {
    progress.attempted = progress.acknowledged + 1
    await append(writer, 'plain', [`${progress.attempted}`])
    progress.acknowledged = progress.attempted
  }
}

async function shown(port: LogPort, topic: string, partition: number): Promise<string[]> {
  const reader = await port.openReader()
  reader.assign([{ topic, partition, offset: 0 }])
  const records = await drain(reader, topic, partition)
  await reader.close()
  return records.map(({ value }) => value)
}

async function verify(port: LogPort, writers: ReadonlyMap<string, Progress>, plain: Progress): Promise<void> {
  const values = await Promise.all(partitions.map(partition => shown(port, 'shared', partition)))
  for (const [name, progress] of writers) {
    const [committed] = await port.committedOffsets(name, [{ topic: 'shared', partition: 0 }])
    const count = committed?.offset ?? 0
    assert(
      count === progress.acknowledged || count === progress.attempted,
      `${name}: ${count} of ${JSON.stringify(progress)}`,
    )
    const expected = Array.from({ length: count }, (_, index) => `${name}-${index + 1}`)
    for (const partition of partitions)
      assert.deepEqual(
        values[partition]!.filter(value => value.startsWith(`${name}-`)),
        expected,
        `${name} in partition ${partition}`,
      )
    progress.acknowledged = progress.attempted = count
  }
  const published = (await shown(port, 'plain', 0)).map(Number)
  assert(
    published.length >= plain.acknowledged,
    `${published.length} of ${plain.acknowledged} acknowledged records are left`,
  )
  assert.deepEqual(
    published,
    Array.from(published, (_, index) => index + 1),
  )
  plain.acknowledged = plain.attempted = published.length
  for (const partition of partitions)
    assert.equal(
      await port.offsets('shared', partition, 'latest', 'read_committed'),
      await port.offsets('shared', partition, 'latest', 'read_uncommitted'),
      `a transaction is left open in partition ${partition}`,
    )
}

async function run(random: Random): Promise<number> {
  const log = new SimulatedLog(random)
  const writers = new Map(['a', 'b'].map(name => [name, { acknowledged: 0, attempted: 0 }]))
  const plain = { acknowledged: 0, attempted: 0 }
  const port = await log.open()
  await port.createTopic('shared', { partitions: partitions.length })
  await port.createTopic('plain', { partitions: 1 })
  await port.close()
  for (let crash = 0; crash < crashesPerSeed; crash += 1) {
    // The crash may come while the log is being opened.
    const how = (['clean', 'kill', 'crash', 'crash'] as const)[random.int(4)]!
    const isClean = how === 'clean'
    const calls = isClean ? Infinity : 1 + random.int(callsMax)
    const opened = await log.open(calls, isClean ? 'kill' : how).catch(() => undefined)
    if (opened) {
      const count = isClean ? 1 + random.int(transactionsMax) : Infinity
      const work = [...writers].map(([name, progress]) => transact(opened, name, progress, random, count))
      const done = Promise.all([...work, publish(opened, plain, count)])
      // A failure without a crash is a fault.
      await (isClean ? done : done.catch(() => undefined))
      await Promise.allSettled(work)
      await (isClean ? opened.close() : opened.close().catch(() => undefined))
    }
    const recovered = isClean ? await log.open() : await log.crash()
    await verify(recovered, writers, plain)
    await recovered.close()
  }
  return [...writers.values(), plain].reduce((sum, { acknowledged }) => sum + acknowledged, 0)
}

export function check(): Promise<void> {
  return forSeeds(500, run, acknowledged => {
    const total = acknowledged.reduce((sum, count) => sum + count, 0)
    // Crashes that come before anything happens prove nothing.
    assert(total > acknowledged.length * 10, `only ${total} acknowledged`)
  })
}
