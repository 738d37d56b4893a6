/** Offsets of groups, read beside the log's writer and moved by a tool. */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type ErrorCode } from '../../base/index.ts'
import { ReadOnlyLog } from '../../broker/index.ts'
import { repairPartition } from '../../log/index.ts'
import { append } from '../conformance/harness.ts'
import { type LogPort, moveOffsets, offsetMoves } from '../index.ts'
import { SimulatedLog } from '../../broker/simulated-log.test-support.ts'

const is =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    isMillraceError(error, code)

async function withRecords(log: SimulatedLog): Promise<LogPort> {
  const port = await log.open()
  await port.createTopic('t', { partitions: 2 })
  await port.createTopic('u', { partitions: 1 })
  const writer = await port.openWriter()
  for (const topic of ['t', 'u']) await append(writer, topic, ['1', '2', '3'])
  const offsets = [
    { topic: 't', partition: 0, offset: 3, metadata: 'mine' },
    { topic: 'u', partition: 0, offset: 2 },
  ]
  for (const group of ['g', 'h']) await port.commitOffsets({ group, offsets })
  return port
}

test('what a group has committed is seen beside the writer, without what is not decided', async () => {
  const log = new SimulatedLog()
  const port = await withRecords(log)
  const writer = await port.openWriter({ transactionalId: 'id' })
  const look = await ReadOnlyLog.open('/data', { disk: log.disk, clock: log.clock })
  const seen = async (): Promise<unknown> => (await look.listGroups()).find(({ group }) => group === 'g')
  const offsets = [
    { topic: 't', partition: 0, offset: 3, metadata: 'mine' },
    { topic: 'u', partition: 0, offset: 2 },
  ]
  deepEqual(await seen(), { group: 'g', members: undefined, offsets })
  await append(writer, 't', ['4'])
  await writer.commit({ group: 'g', offsets: [{ topic: 't', partition: 1, offset: 0 }] })
  // Its marker follows the decision.
  await log.clock.advance(0)
  const places = [0, 1].map(partition => ({ topic: 't', partition }))
  deepEqual(await look.committedOffsets('g', places), [offsets[0], { ...places[1], offset: 0 }])
  // Many commits later its log has been written from scratch, more than once.
  for (let offset = 1; offset < 200; offset += 1)
    await port.commitOffsets({ group: 'g', offsets: [{ topic: 'u', partition: 0, offset }] })
  deepEqual(await look.committedOffsets('g', [{ topic: 'u', partition: 0 }]), [
    { topic: 'u', partition: 0, offset: 199 },
  ])
  await port.deleteTopic('u')
  deepEqual(await look.committedOffsets('g', [{ topic: 'u', partition: 0 }]), [undefined])
  await look.close()
  await log.close()
})

test('the offsets of one topic are moved; the others stay, with what belongs to them', async () => {
  const log = new SimulatedLog()
  const port = await withRecords(log)
  const moves = await offsetMoves(port, 'g', { topic: 'u' }, 'earliest')
  deepEqual(moves, [{ topic: 'u', partition: 0, before: 2, after: 0 }])
  await moveOffsets(port, 'g', moves)
  deepEqual((await port.listGroups()).find(({ group }) => group === 'g')?.offsets, [
    { topic: 't', partition: 0, offset: 3, metadata: 'mine' },
    { topic: 'u', partition: 0, offset: 0 },
  ])
  await log.close()
})

test('offsets are not moved under members', async () => {
  const log = new SimulatedLog()
  const port = await withRecords(log)
  const member = await port.joinGroup({
    group: 'g',
    topics: [['t']],
    onAssigned() {},
    onRevoked() {},
    onLost() {},
  })
  const moves = await offsetMoves(port, 'g', 'all topics', 'latest')
  await rejects(moveOffsets(port, 'g', moves), is('GROUP_NOT_EMPTY'))
  await member.leave()
  await moveOffsets(port, 'g', moves)
  equal((await port.committedOffsets('g', [{ topic: 'u', partition: 0 }]))[0]?.offset, 3)
  await log.close()
})

test('after a repair of committed offsets all of a group are moved, not some of them beside others that may be wrong', async () => {
  const log = new SimulatedLog()
  await withRecords(log)
  await log.close()
  const folder = '/data/__consumer_offsets-0'
  const last = (await log.disk.list(folder)).filter(name => name.endsWith('.log')).at(-1)
  ok(last)
  const path = `${folder}/${last}`
  const bytes = Uint8Array.from(log.disk.contentOf(path)!)
  bytes[bytes.length - 20] = bytes[bytes.length - 20]! ^ 4
  log.disk.setContent(path, bytes)
  ok((await repairPartition('/data', '__consumer_offsets', 0, { disk: log.disk, clock: log.clock })).cut)
  const port = await log.open()
  const look = await ReadOnlyLog.open('/data', { disk: log.disk, clock: log.clock })
  for (const each of [port, look])
    await rejects(each.committedOffsets('g', [{ topic: 't', partition: 0 }]), (error: unknown) => {
      ok(isMillraceError(error, 'PARTITION_DAMAGED'))
      return error.message.includes("'millrace group reset g --all-topics --to <where>'")
    })
  const some = await offsetMoves(port, 'g', { topic: 'u' }, 'earliest')
  await rejects(moveOffsets(port, 'g', some), is('PARTITION_DAMAGED'))
  await moveOffsets(port, 'g', await offsetMoves(port, 'g', 'all topics', 'earliest'))
  deepEqual(
    (await port.committedOffsets('g', [{ topic: 'u', partition: 0 }])).map(each => each?.offset),
    [0],
  )
  await look.close()
  await log.close()
})
