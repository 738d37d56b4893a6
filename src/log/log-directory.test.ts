import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { fromUtf8, seededRandom, utf8, type Disk } from '../base/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { batchOf, dataPath, failsWith, filesOf, openDirectory, valuesOf } from './log.test-support.ts'
import type { Partition } from './partition/partition.ts'

const folder = `${dataPath}/flights-0`
const recoveryPoints = `${dataPath}/recovery-point-offset-checkpoint`

/** Appends one record with a producer's sequence; true where the log knew it. */
async function send(partition: Partition, sequence: number): Promise<boolean> {
  const values = [`${sequence}`.padEnd(60, 'x')]
  const receipt = partition.append(
    batchOf(values, { producerId: 1, producerEpoch: 0, baseSequence: sequence }),
  )
  await receipt.durable
  return receipt.duplicate
}

/** A log of several segments with ten batches of one producer, closed or killed. */
async function tenBatches(end: 'clean' | 'killed'): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk.session(), { segmentBytes: 300 })
  const partition = await log.createPartition('flights', 0)
  for (let sequence = 0; sequence < 10; sequence += 1) await send(partition, sequence)
  if (end === 'clean') await log.close()
  else disk.kill()
  return disk
}

async function snapshotsOf(disk: SimulatedDisk): Promise<string[]> {
  return [...(await filesOf(disk)).keys()].filter(path => path.endsWith('.snapshot'))
}

test('a clean stop is found, once', async () => {
  const disk = await tenBatches('clean')
  const first = await openDirectory(disk)
  equal(first.recovery.clean, true)
  disk.kill()
  const second = await openDirectory(disk)
  equal(second.recovery.clean, false)
})

test('producers are known after any stop, also where snapshots are damaged or gone', async () => {
  const damages: readonly ((disk: SimulatedDisk, path: string) => void | Promise<void>)[] = [
    () => undefined,
    (disk, path) => disk.remove(path),
    (disk, path) => disk.setContent(path, new Uint8Array(0)),
    (disk, path) =>
      disk.setContent(
        path,
        disk.contentOf(path)!.map(byte => byte ^ 1),
      ),
  ]
  for (const end of ['clean', 'killed'] as const)
    for (const damage of damages) {
      const disk = await tenBatches(end)
      for (const path of await snapshotsOf(disk)) await damage(disk, path)
      const log = await openDirectory(disk)
      const partition = log.partition('flights', 0)!
      for (let sequence = 5; sequence < 10; sequence += 1) equal(await send(partition, sequence), true)
      await failsWith('OUT_OF_ORDER_SEQUENCE', () =>
        partition.append(batchOf(['gap'], { producerId: 1, producerEpoch: 0, baseSequence: 11 })),
      )
      equal(await send(partition, 10), false)
      await log.close()
    }
})

test('clean stops do not heap up snapshots', async () => {
  const disk = new SimulatedDisk()
  await (await openDirectory(disk)).createPartition('flights', 0)
  disk.kill()
  for (let sequence = 0; sequence < 10; sequence += 1) {
    const log = await openDirectory(disk)
    await send(log.partition('flights', 0)!, sequence)
    await log.close()
  }
  ok((await snapshotsOf(disk)).length <= 3)
})

test('a producer is forgotten after its time, also where no process lives that long', async () => {
  const disk = new SimulatedDisk()
  const clock = virtualClock()
  const options = { clock, segmentBytes: 150, producerIdExpirationMs: 10_000 }
  await (await openDirectory(disk, options)).close()
  for (let producerId = 0; producerId < 12; producerId += 1) {
    const log = await openDirectory(disk.session(), options)
    const partition = log.partition('flights', 0) ?? (await log.createPartition('flights', 0))
    const batch = batchOf(['x'.repeat(60)], { producerId, producerEpoch: 0, baseSequence: 0 })
    await partition.append(batch).durable
    await clock.advance(3000)
    const last = batchOf(['y'.repeat(60)], { producerId, producerEpoch: 0, baseSequence: 1 })
    await partition.append(last).durable
    ok([...partition.producers()].length < 8, `${[...partition.producers()].length} producers`)
    if (producerId % 3 === 0) disk.kill()
    else await log.close()
  }
})

test('a checkpoint comes with time, with bytes and with a roll; it names what is synced', async () => {
  const check = async (
    options: Parameters<typeof openDirectory>[1],
    batches: number,
    waitMs: number,
    isExpected: (offset: number) => boolean,
  ): Promise<void> => {
    const clock = virtualClock()
    const disk = new SimulatedDisk()
    const log = await openDirectory(disk, { clock, ...options })
    const partition = await log.createPartition('flights', 0)
    for (let sequence = 0; sequence < batches; sequence += 1) await send(partition, sequence)
    await clock.advance(waitMs)
    const text = utf8(disk.contentOf(recoveryPoints)!)
    const offset = Number(/^flights 0 (\d+)$/m.exec(text)?.[1] ?? 0)
    ok(isExpected(offset), text)
    await log.close()
  }
  await check({}, 3, 4999, offset => offset === 0)
  await check({}, 3, 5000, offset => offset === 3)
  await check({ checkpointIntervalMs: 100 }, 3, 100, offset => offset === 3)
  await check({ checkpointBytes: 300 }, 3, 0, offset => offset >= 2)
  await check({ segmentBytes: 300 }, 3, 0, offset => offset >= 2)
  // Nobody waits for this sync but the checkpoint.
  await check({ durability: 'os' }, 3, 5000, offset => offset === 3)
})

test('the clock is idle while nothing is written', async () => {
  const clock = virtualClock()
  const log = await openDirectory(new SimulatedDisk(), { clock })
  const partition = await log.createPartition('flights', 0)
  // Only retention and compaction look again.
  equal(clock.pending, 2)
  await send(partition, 0)
  equal(clock.pending, 3)
  await clock.advance(5000)
  equal(clock.pending, 2)
  await log.close()
  equal(clock.pending, 0)
})

test('a creation that fails at any call can be tried again', async () => {
  let failed = 0
  for (let call = 1; ; call += 1) {
    const disk = new SimulatedDisk()
    const log = await openDirectory(disk)
    disk.failCall({ call, kind: 'ENOSPC', times: 'once' })
    const first = await log.createPartition('flights', 0).catch(() => undefined)
    if (first) break
    failed += 1
    const partition = await log.createPartition('flights', 0)
    equal(await send(partition, 0), false)
    disk.crash()
    equal((await openDirectory(disk)).partition('flights', 0)?.logEndOffset, 1)
  }
  ok(failed > 5)
})

test('a partition that was deleted can be made again, and what is known of the old one is not held against it', async () => {
  const disk = await tenBatches('clean')
  const log = await openDirectory(disk)
  const old = log.partition('flights', 0)!
  await log.deletePartition('flights', 0)
  await log.deletePartition('flights', 0)
  await failsWith('CLOSED', () => old.append(batchOf(['late'])))
  const partition = await log.createPartition('flights', 0)
  await failsWith('TOPIC_EXISTS', log.createPartition('flights', 0))
  equal(await send(partition, 0), false)
  disk.crash()
  const after = await openDirectory(disk)
  equal(after.recovery.partitions[0]?.damage, undefined)
  equal(after.partition('flights', 0)?.logEndOffset, 1)
})

test('a partition is damaged and deleted: one of its name holds what is written to it', async () => {
  for (const end of ['clean', 'killed'] as const) {
    const disk = await tenBatches(end)
    for (const [path, bytes] of await filesOf(disk))
      if (path.endsWith('.log')) disk.setContent(path, bytes.subarray(0, -10))
    const log = await openDirectory(disk)
    equal(log.partition('flights', 0)?.failure?.code, 'PARTITION_DAMAGED', end)
    await log.deletePartition('flights', 0)
    const partition = await log.createPartition('flights', 0)
    await partition.append(batchOf(['new'])).durable
    deepEqual(await valuesOf(partition), ['new'])
    await log.close()
    deepEqual(await valuesOf((await openDirectory(disk)).partition('flights', 0)!), ['new'])
  }
})

test('what an interrupted creation or deletion left behind is removed', async () => {
  const disk = await tenBatches('clean')
  for (const name of ['alerts-0~new', 'alerts-1~deleted'])
    disk.setContent(`${dataPath}/${name}/00000000000000000000.log`, fromUtf8('x'))
  const log = await openDirectory(disk)
  deepEqual(
    Array.from(log.partitions(), ({ name }) => name),
    ['flights-0'],
  )
  deepEqual(
    (await disk.list(dataPath)).filter(name => name.includes('~')),
    [],
  )
})

test('a start that was not yet durable when the process was killed, and the power then, is not damage', () =>
  forSeeds(10, async random => {
    let killed = 0
    for (let atKill = 4; atKill <= 6; atKill += 1)
      for (let atCrash = 10; atCrash <= 40; atCrash += 2) {
        const disk = new SimulatedDisk({ random })
        const log = await openDirectory(disk.session(), { segmentBytes: 150 })
        const partition = await log.createPartition('flights', 0)
        for (let sequence = 0; sequence < 4; sequence += 1) await send(partition, sequence)
        await partition.dropBefore(1)
        disk.failCall({ call: atKill, kind: 'EIO', times: 'forever' })
        await partition.dropBefore(3).catch(() => (killed += 1))
        disk.kill()
        disk.clearFailures()
        disk.failCall({ call: atCrash, kind: 'EIO', times: 'forever' })
        await openDirectory(disk.session()).catch(() => undefined)
        disk.crash()
        const after = await openDirectory(disk)
        equal(
          after.recovery.partitions[0]?.damage,
          undefined,
          `killed at ${atKill}, power lost at ${atCrash}`,
        )
      }
    ok(killed > 40)
  }))

test("a partition's configuration comes back with it", async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk)
  const config = { configs: { 'segment.bytes': '1000', 'retention.bytes': '5000' } }
  await log.createPartition('flights', 0, config)
  await log.close()
  deepEqual((await openDirectory(disk)).partition('flights', 0)?.config, config)
  for (const segmentBytes of [13, 2 ** 31, 100.5, Number.NaN])
    await failsWith('INVALID_ARGUMENT', openDirectory(new SimulatedDisk(), { segmentBytes }))
})

test('opened to be read, nothing is written', async () => {
  for (const end of ['clean', 'killed'] as const) {
    const disk = await tenBatches(end)
    const before = await filesOf(disk)
    const log = await openDirectory(disk, { readOnly: true })
    const partition = log.partition('flights', 0)!
    equal((await valuesOf(partition)).length, 10)
    await failsWith('INVALID_ARGUMENT', () => partition.append(batchOf(['x'])))
    await failsWith('INVALID_ARGUMENT', log.createPartition('alerts', 0))
    await log.close()
    deepEqual(await filesOf(disk), before)
  }
})

test('an index that was lost is made again, and what was aborted stays hidden', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk, { segmentBytes: 300, indexIntervalBytes: 0 })
  const partition = await log.createPartition('flights', 0)
  const producer = { producerId: 9, producerEpoch: 0 }
  await partition.append(batchOf(['aborted'], { ...producer, baseSequence: 0, transactional: true })).written
  await partition.appendMarker({ type: 'abort', ...producer, coordinatorEpoch: 0 }).durable
  for (let n = 0; n < 6; n += 1) await send(partition, n)
  disk.kill()
  // A crash while they were made again took their names.
  for (const extension of ['index', 'timeindex', 'txnindex'])
    await disk.remove(`${folder}/00000000000000000000.${extension}`)
  const after = await openDirectory(disk)
  const again = after.partition('flights', 0)!
  ok(!(await valuesOf(again, 'read_committed')).includes('aborted'))
  ok((await valuesOf(again, 'read_uncommitted')).includes('aborted'))
  deepEqual(await again.offsetForTimestamp(0), { offset: 0, timestamp: 0 })
})

test('topics whose names begin alike are made and removed at once', async () => {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk)
  const topics = ['a', 'b', 'c'].map(end => 'flights'.repeat(31) + end)
  await Promise.all(topics.map(topic => log.createPartition(topic, 0)))
  for (const topic of topics) equal(await send(log.partition(topic, 0)!, 0), false)
  await Promise.all(topics.slice(1).map(topic => log.deletePartition(topic, 0)))
  disk.crash()
  deepEqual(
    Array.from((await openDirectory(disk)).partitions(), ({ topic, logEndOffset }) => [topic, logEndOffset]),
    [[topics[0], 1]],
  )
})

test('the largest producer id is known, also of producers that were forgotten or taken back', async () => {
  const disk = new SimulatedDisk()
  const clock = virtualClock(1_000_000)
  const log = await openDirectory(disk, { clock, segmentBytes: 150, producerIdExpirationMs: 1000 })
  equal(log.largestProducerId, -1)
  const partition = await log.createPartition('flights', 0)
  const append = (producerId: number): Promise<void> =>
    partition.append(batchOf(['x'.repeat(60)], { producerId, producerEpoch: 0, baseSequence: 0 })).durable
  await append(70)
  await clock.advance(2000)
  await append(5)
  await append(6)
  equal(partition.largestProducerId, 70)
  disk.capacityBytes = 0
  await failsWith('DISK_FULL', append(80))
  equal(log.largestProducerId, 80)
})

test('a checkpoint names what is synced, not what shows', async () => {
  const disk = new SimulatedDisk({ random: seededRandom(4) })
  const log = await openDirectory(disk, { durability: 'os' })
  const partition = await log.createPartition('flights', 0)
  await log.createPartition('alerts', 0)
  await partition.append(batchOf(['x'.repeat(2000)])).written
  equal(partition.highWatermark, 1)
  // Writes the checkpoint, and syncs nothing.
  await log.deletePartition('alerts', 0)
  ok(utf8(disk.contentOf(recoveryPoints)!).includes('flights 0 0'))
})

test('a stop is not a clean one where a partition could not be closed', async () => {
  for (const kind of ['EIO', 'ENOSPC'] as const) {
    const disk = new SimulatedDisk()
    const log = await openDirectory(disk)
    for (const topic of ['alerts', 'flights']) await log.createPartition(topic, 0)
    const flights = log.partition('flights', 0)!
    if (kind === 'EIO') {
      disk.failCall({ call: 2, kind, times: 'once' })
      await failsWith('PARTITION_POISONED', flights.append(batchOf(['x'])).durable)
    } else {
      await flights.append(batchOf(['x'])).durable
      // What makes the next start quick finds no room.
      disk.capacityBytes = 0
    }
    await log.close().catch(() => undefined)
    disk.kill()
    disk.capacityBytes = Number.POSITIVE_INFINITY
    const next = await openDirectory(disk)
    equal(next.recovery.clean, false, kind)
    equal(next.partition('flights', 0)?.failure, undefined)
  }
})

test('a partition that waits for its disk, or has failed, holds up no other', async () => {
  const check = async (stop: (path: string) => Promise<void>): Promise<void> => {
    const simulated = new SimulatedDisk()
    const clock = virtualClock(1_000_000)
    const disk: Disk = {
      ...simulated.session(),
      async open(path, mode) {
        const file = await simulated.open(path, mode)
        return { ...file, sync: () => stop(path).then(() => file.sync()) }
      },
    }
    const log = await openDirectory(disk, { clock, checkpointBytes: 500 })
    const [held, other] = [await log.createPartition('held', 0), await log.createPartition('other', 0)]
    held.append(batchOf(['x'.repeat(100)])).durable.catch(() => undefined)
    for (let n = 0; n < 10; n += 1) await other.append(batchOf([`${n}`.padEnd(100)])).durable
    // A checkpoint is due, and waits.
    await clock.advance(6000)
    deepEqual(await other.offsetForTimestamp(0), { offset: 0, timestamp: 0 })
    equal((await valuesOf(other)).length, 10)
    await log.syncAll([other])
    await (await log.createPartition('third', 0)).append(batchOf(['x'])).durable
    await log.deletePartition('other', 0)
    equal(log.partition('third', 0)?.highWatermark, 1)
  }
  await check(path => (path.includes('held-0/') ? new Promise(() => undefined) : Promise.resolve()))
  await check(async path => {
    if (path.includes('held-0/')) throw Object.assign(new Error('EIO'), { code: 'EIO' })
  })
})
