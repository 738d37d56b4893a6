/**
 * What a start makes of transactions whose partitions are recovered beside open ones, or were made again, or
 * fail meanwhile.
 */
import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, isMillraceError, seededRandom } from '../../src/base/index.ts'
import { Broker } from '../../src/broker/broker.ts'
import { InProcessLog, type InProcessLogOptions } from '../../src/broker/in-process.ts'
import { valuesIn } from '../../src/broker/simulated-log.test-support.ts'
import { write } from '../../src/broker/transactions/transaction-parts.test-support.ts'
import { repairPartition } from '../../src/log/index.ts'
import { writeCheckpoint } from '../../src/log/recovery/checkpoint.ts'
import { append, stateOf } from '../../src/port/conformance/harness.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { fillableDisk } from '../full-disk.ts'
import { gatedDisk } from '../gated-disk.ts'
import { hookedDisk, systemError } from '../hooked-disk.ts'
import { isCode } from '../is-code.ts'

const clock = virtualClock(1_000_000)

async function newDisk(seed = 3): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk({ random: seededRandom(seed) })
  await disk.makeDirectory('/data')
  await disk.syncDirectory('/')
  return disk
}

const optionsOver = (disk: Disk) => ({ disk, clock, random: seededRandom(1) })
const openLog = (disk: Disk, options: Partial<InProcessLogOptions> = {}): Promise<InProcessLog> =>
  InProcessLog.open('/data', { ...optionsOver(disk), ...options })

/** A disk after a crash: a commit is decided, and its marker is in no file. */
async function unmarkedCommit(): Promise<SimulatedDisk> {
  const disk = await newDisk()
  const gated = gatedDisk(disk.session())
  const port = await openLog(gated.disk)
  await port.createTopic('t', { partitions: 1 })
  const writer = await port.openWriter({ transactionalId: 'id' })
  await append(writer, 't', ['committed'])
  await port.offsets('t', 0, 'latest', 'read_uncommitted')
  gated.shut('t-0')
  await writer.commit()
  disk.crash()
  return disk
}

test('a commit whose marker meets a failing disk is still one at the next start', async () => {
  const disk = await unmarkedCommit()
  const fatal: string[] = []
  const bad = hookedDisk(disk.session(), {
    write: path => {
      if (path.endsWith('/t-0/00000000000000000000.log')) throw systemError('EIO', path)
    },
  })
  const port = await openLog(bad, { onFatal: ({ code }) => fatal.push(code) })
  await rejects(port.openWriter({ transactionalId: 'id' }), (error: unknown) =>
    isMillraceError(error, 'PARTITION_POISONED', 'DISK_FAILED'),
  )
  equal(fatal.length, 1)
  disk.crash()
  deepEqual(await valuesIn(await openLog(disk.session()), 't'), ['committed'])
})

test('a commit whose marker meets a damaged partition is still one once that is repaired', async () => {
  const disk = await unmarkedCommit()
  // As if records had been lost with the tail of the file.
  const points = [{ topic: 't', index: 0, offset: 9 }]
  await writeCheckpoint(disk.session(), '/data', 'recovery-point-offset-checkpoint', points)
  const port = await openLog(disk.session())
  await rejects(port.openWriter({ transactionalId: 'id' }), isCode('PARTITION_DAMAGED'))
  await port.close()
  await repairPartition('/data', 't', 0, { disk: disk.session(), clock })
  deepEqual(await valuesIn(await openLog(disk.session()), 't'), ['committed'])
})

test('a transaction in a topic that was made again is not the one that was committed before', async () => {
  const disk = await newDisk()
  const port = await openLog(disk.session())
  await port.createTopic('t', { partitions: 1 })
  const writer = await port.openWriter({ transactionalId: 'id' })
  await append(writer, 't', ['a', 'b', 'c'])
  await writer.commit()
  await port.offsets('t', 0, 'latest')
  await port.deleteTopic('t')
  await port.createTopic('t', { partitions: 1 })
  await append(writer, 't', ['never committed'])
  await port.offsets('t', 0, 'latest', 'read_uncommitted')
  disk.crash()
  deepEqual(await valuesIn(await openLog(disk.session()), 't'), [])
})

test('a clean stop keeps that a crash may have halved the transaction of a client', async () => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const disk = await newDisk(seed)
    const open = (): Promise<Broker> => Broker.open('/data', optionsOver(disk.session()))
    const first = await open()
    for (const name of ['t', 'u']) await first.createTopic(name, { partitions: 1 })
    const transactionalId = 'id'
    const begun = await first.clientTransactions.init({ transactionalId, timeoutMs: 60_000, version: 2 })
    const toT = { transactionalId, identity: begun, version: 2 } as const
    await first.clientTransactions.addPartitions(toT, [first.partition('t', 0)])
    await write(first.partition('t', 0), begun, 'first')
    const identity = await first.clientTransactions.end(toT, 'commit')
    await first.offsetAt('t', 0, 'latest', 'read_committed')
    const client = { transactionalId, identity, version: 2 } as const
    await first.clientTransactions.addPartitions(client, [first.partition('u', 0)])
    await write(first.partition('u', 0), identity, 'first half')
    disk.crash()
    const second = await open()
    for (const name of ['t', 'u']) await second.opened(name, 0)
    await second.close()
    const third = await open()
    await rejects(
      third.clientTransactions.addPartitions(client, [third.partition('t', 0)]),
      isCode('TRANSACTION_ABORTABLE'),
      `seed ${seed}`,
    )
  }
})

test('the time in which an append waits for recovery is not its transaction', async () => {
  const disk = await newDisk()
  const before = await openLog(disk.session())
  for (const name of ['t', 'slow']) await before.createTopic(name, { partitions: 1 })
  await append(await before.openWriter(), 'slow', ['before'])
  disk.crash()
  const session = disk.session()
  const gate = Promise.withResolvers<void>()
  const port = await openLog({
    ...session,
    open: async (path, mode) => {
      if (path.endsWith('/slow-0/00000000000000000000.log')) await gate.promise
      return session.open(path, mode)
    },
  })
  const writer = await port.openWriter({ transactionalId: 'id', transactionTimeoutMs: 10_000 })
  await append(writer, 't', ['a'])
  const waiting = append(writer, 'slow', ['b'])
  const committed = writer.commit()
  await clock.advance(60_000)
  equal(await stateOf(committed), 'pending')
  gate.resolve()
  await Promise.all([waiting, committed])
  deepEqual([await valuesIn(port, 't'), await valuesIn(port, 'slow')], [['a'], ['before', 'b']])
  // It ends in time again.
  await append(writer, 't', ['late'])
  await clock.advance(60_000)
  await rejects(writer.commit(), isCode('PRODUCER_FENCED'))
})

test('a deletion that is repeated after a full disk leaves nothing to the next topic of the name', async () => {
  const disk = await newDisk()
  const filling = fillableDisk(disk.session())
  const port = await openLog(filling)
  await port.createTopic('t', { partitions: 1 })
  for (let n = 0; n < 20; n += 1) await append(await port.openWriter(), 't', ['old'])
  await port.admin.deleteRecords('t', 0, 10)
  filling.fill(path => path.includes('recovery-point-offset'))
  await rejects(port.deleteTopic('t'), isCode('DISK_FULL'))
  filling.free()
  await port.deleteTopic('t').catch((error: unknown) => {
    if (!isMillraceError(error, 'UNKNOWN_TOPIC')) throw error
  })
  await port.createTopic('t', { partitions: 1 })
  await append(await port.openWriter(), 't', ['new'])
  disk.crash()
  deepEqual(await valuesIn(await openLog(disk.session()), 't'), ['new'])
})
