/** A partition that is damaged, or whose disk fails: everyone who asks is told, and nobody gets a guess. */
import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type ErrorCode } from '../../src/base/index.ts'
import { ReadOnlyLog } from '../../src/broker/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import { append, drain } from '../../src/port/conformance/harness.ts'
import { type LogPort, type OffsetSpec, withLags } from '../../src/port/index.ts'
import { listApps } from '../../src/stream/index.ts'

const is =
  (code: ErrorCode, words: string) =>
  (error: unknown): boolean =>
    isMillraceError(error, code) && error.message.includes(words)

const isDamaged = is('PARTITION_DAMAGED', "'millrace repair t 0 --data /data'")
const allPositions: readonly OffsetSpec[] = ['earliest', 'latest', 'max-timestamp', { timestamp: 0 }]
const committed = [0, 1].map(partition => ({ topic: 't', partition, offset: 2 }))

/** A topic of two partitions with three records each, of which the first one lost one that was synced. */
async function damaged(): Promise<SimulatedLog> {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 2 })
  const writer = await port.openWriter()
  for (const partition of [0, 1])
    for (const value of ['1', '2', '3']) await append(writer, 't', [value], partition)
  await port.commitOffsets({ group: 'g', offsets: committed })
  await port.commitOffsets({
    group: 'app',
    offsets: committed.map(each => ({ ...each, metadata: '{"plan":1}' })),
  })
  await log.close()
  const path = '/data/t-0/00000000000000000000.log'
  log.disk.setContent(path, log.disk.contentOf(path)!.slice(0, -3))
  return log
}

/** Both see the same: the writer, and who looks beside it. */
async function forEachPort(check: (port: LogPort) => Promise<void>): Promise<void> {
  const log = await damaged()
  const port = await log.open()
  const look = await ReadOnlyLog.open('/data', { disk: log.disk, clock: log.clock })
  for (const each of [port, look]) await check(each)
  await look.close()
  await log.close()
}

test('no position of a damaged partition is told', () =>
  forEachPort(async port => {
    for (const isolation of ['read_committed', 'read_uncommitted'] as const)
      for (const at of allPositions) await rejects(port.offsets('t', 0, at, isolation), isDamaged)
    equal(await port.offsets('t', 1, 'latest'), 3)
  }))

test('a reader of a damaged partition is refused, wherever it begins, and knows no end', () =>
  forEachPort(async port => {
    for (const offset of [0, 2, 3, 7]) {
      const reader = await port.openReader()
      reader.assign([{ topic: 't', partition: 0, offset }])
      await rejects(drain(reader, 't', 0), isDamaged)
      equal(reader.atEnd('t', 0), false)
      equal(reader.end('t', 0), offset)
      equal(reader.position('t', 0), offset)
      await reader.close()
    }
  }))

test('groups and apps are listed with a damaged partition: its lag is unknown, with the reason', () =>
  forEachPort(async port => {
    const [first, second, ...more] = await withLags(port, committed)
    deepEqual([second, more], [{ ...committed[1], lag: 1 }, []])
    equal(first?.lag, undefined)
    equal(first?.failure?.code, 'PARTITION_DAMAGED')
    ok(first.failure.message.includes('millrace repair'))
    const [app] = await listApps(port)
    deepEqual(app?.inputs, [first, second])
  }))

test('a reader that waits at the end of a partition learns that its disk has failed', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 1 })
  await append(await port.openWriter(), 't', ['1'])
  const reader = await port.openReader()
  reader.assign([{ topic: 't', partition: 0, offset: 0 }])
  equal((await drain(reader, 't', 0)).length, 1)
  const waiting = reader.wait()
  const writer = await port.openWriter()
  log.disk.failCall({ call: 1, kind: 'EIO', times: 'once' })
  await rejects(append(writer, 't', ['2']))
  await waiting
  throws(() => reader.take('t', 0), is('PARTITION_POISONED', 't-0'))
  await log.close().catch(() => undefined)
})
