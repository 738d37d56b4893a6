import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { batchOf, dataPath, failsWith, filesOf, openDirectory, valuesOf } from '../log.test-support.ts'

const folder = `${dataPath}/flights-0`
const log0 = `${folder}/00000000000000000000.log`
const producer = { producerId: 7, producerEpoch: 2 }

/** The disk, and the paths that were opened through it. */
function watched(disk: Disk): { readonly disk: Disk; readonly opened: string[] } {
  const opened: string[] = []
  const open: Disk['open'] = (path, mode) => {
    opened.push(path)
    return disk.open(path, mode)
  }
  return { disk: { ...disk, open }, opened }
}

/** Three segments with an aborted and an open transaction, after a clean stop. */
async function stoppedLog(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const log = await openDirectory(disk.session(), { segmentBytes: 300, indexIntervalBytes: 0 })
  const partition = await log.createPartition('flights', 0)
  await log.createPartition('empty', 0)
  const append = (value: string, baseSequence: number): Promise<void> =>
    partition.append(batchOf([value.padEnd(50, '.')], { ...producer, baseSequence, transactional: true }))
      .written
  await append('aborted', 0)
  await partition.appendMarker({ type: 'abort', ...producer, coordinatorEpoch: 0 }).durable
  for (let n = 0; n < 4; n += 1) await partition.append(batchOf([`${n}`.padEnd(80, '.')])).durable
  await append('open', 1)
  await log.close()
  return disk
}

test('after a clean stop no file of a partition is opened before it is used', async () => {
  const { disk, opened } = watched((await stoppedLog()).session())
  const log = await openDirectory(disk, { segmentBytes: 300 })
  deepEqual(
    opened.filter(path => path.startsWith(`${dataPath}/flights`) || path.startsWith(`${dataPath}/empty`)),
    [],
  )
  equal(log.recovery.clean, true)
  deepEqual(
    log.recovery.partitions.map(({ topic, logEndOffset }) => `${topic} ${logEndOffset}`),
    ['empty 0', 'flights 7'],
  )
  equal(log.largestProducerId, 7)
  const partition = log.partition('flights', 0)!
  deepEqual(partition.openTransactions, [{ ...producer, firstOffset: 6 }])
  equal(partition.lastStableOffset, 6)
  const duplicate = { ...producer, baseSequence: 1, transactional: true }
  equal(partition.append(batchOf(['open'.padEnd(50, '.')], duplicate)).duplicate, true)
  const committed = await valuesOf(partition, 'read_committed')
  deepEqual(
    committed.map(value => value.replaceAll('.', '')),
    ['0', '1', '2', '3'],
  )
  await partition.append(batchOf(['later'])).durable
  await log.partition('empty', 0)!.append(batchOf(['first'])).durable
  await log.close()
  const again = await openDirectory(disk)
  equal((await valuesOf(again.partition('flights', 0)!)).at(-1), 'later')
  deepEqual(await valuesOf(again.partition('empty', 0)!), ['first'])
})

test('a clean stop of an unused log writes nothing into its partitions', async () => {
  const disk = await stoppedLog()
  const inPartitions = async (): Promise<[string, Uint8Array][]> =>
    [...(await filesOf(disk))].filter(([path]) => path.includes('-0/'))
  const before = await inPartitions()
  await (await openDirectory(disk)).close()
  deepEqual(await inPartitions(), before)
})

test('a partition whose files have changed is recovered, and damage in it is found', async () => {
  const changes: readonly (readonly [(disk: SimulatedDisk) => void | Promise<void>, boolean])[] = [
    [disk => disk.setContent(log0, disk.contentOf(log0)!.subarray(0, -10)), true],
    [disk => disk.remove(log0), true],
    [disk => disk.setContent(`${folder}/config.json`, new Uint8Array(3)), false],
    [disk => disk.remove(`${folder}/config.json`), false],
    [disk => disk.setContent(`${folder}/notes.txt`, new Uint8Array(3)), false],
    [disk => disk.setContent(`${dataPath}/clean-stop`, new Uint8Array(3)), false],
    [disk => disk.remove(`${dataPath}/clean-stop`), false],
    [
      disk => {
        const text = Buffer.from(disk.contentOf(`${dataPath}/clean-stop`)!).toString()
        const changed = text.replaceAll('"logStartOffset":0', '"logStartOffset":3')
        disk.setContent(`${dataPath}/clean-stop`, Buffer.from(changed))
      },
      false,
    ],
  ]
  for (const [n, [change, isDamage]] of changes.entries()) {
    const disk = await stoppedLog()
    await change(disk)
    const { disk: seen, opened } = watched(disk.session())
    const log = await openDirectory(seen)
    ok(
      opened.some(path => path.startsWith(folder)),
      `change ${n} is seen`,
    )
    const partition = log.partition('flights', 0)!
    equal(partition.failure?.code, isDamage ? 'PARTITION_DAMAGED' : undefined, `change ${n}`)
    if (isDamage) await failsWith('PARTITION_DAMAGED', partition.sync())
    else deepEqual([partition.logStartOffset, partition.logEndOffset], [0, 7])
    await log.close()
  }
})

test('what a clean stop left counts for the next start only', async () => {
  const disk = await stoppedLog()
  const stop = disk.contentOf(`${dataPath}/clean-stop`)!
  const marker = disk.contentOf(`${dataPath}/.kafka_cleanshutdown`)!
  const log = await openDirectory(disk.session())
  await log.partition('empty', 0)!.append(batchOf(['more'])).durable
  disk.kill()
  equal((await openDirectory(disk.session())).recovery.clean, false)
  disk.kill()
  // Even with the older stop back in its place, the changed partition is recovered.
  disk.setContent(`${dataPath}/clean-stop`, stop)
  disk.setContent(`${dataPath}/.kafka_cleanshutdown`, marker)
  const after = await openDirectory(disk)
  deepEqual(await valuesOf(after.partition('empty', 0)!), ['more'])
})

test('a clean stop of 0.1.0, whose marker has no checksum, is still clean', async () => {
  const disk = await stoppedLog()
  disk.setContent(`${dataPath}/.kafka_cleanshutdown`, Buffer.from('{"version":0}'))
  await disk.remove(`${dataPath}/clean-stop`)
  const log = await openDirectory(disk)
  equal(log.recovery.clean, true)
  equal(log.partition('flights', 0)!.logEndOffset, 7)
})
