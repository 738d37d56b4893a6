/**
 * A log that is opened for reading: beside its writer, at any moment of the writer's work, without a trace.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, isMillraceError, seededRandom } from '../../src/base/index.ts'
import { ReadOnlyLog } from '../../src/broker/index.ts'
import { createLog, type Log, type LogPort } from '../../src/port/index.ts'
import { text, topic } from '../../src/schema/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'

const words = topic('words', { key: text(), value: text() })

/** A disk that fails the test at each call that would change it. */
function guarded(disk: Disk): Disk {
  const refused = (call: string) => (): never => assert.fail(`read only: ${call}`)
  return {
    list: path => disk.list(path),
    exists: path => disk.exists(path),
    stat: path => disk.stat(path),
    async open(path, mode) {
      assert.equal(mode, 'read', `read only: open ${path} to ${mode}`)
      const file = await disk.open(path, mode)
      return {
        read: (buffer, position) => file.read(buffer, position),
        size: () => file.size(),
        isInPlace: () => file.isInPlace(),
        close: () => file.close(),
        write: refused('write'),
        sync: refused('sync'),
        truncate: refused('truncate'),
      }
    },
    makeDirectory: refused('makeDirectory'),
    rename: refused('rename'),
    remove: refused('remove'),
    syncDirectory: refused('syncDirectory'),
    lock: refused('lock'),
    space: path => disk.space(path),
    openFilesMax: () => disk.openFilesMax(),
  }
}

async function look(world: SimulatedLog, disk: Disk = world.disk): Promise<Log> {
  return createLog(await ReadOnlyLog.open('/data', { disk: guarded(disk), clock: world.clock }), world.clock)
}

async function valuesOf(log: Log, options: { isolation?: 'read_uncommitted' } = {}): Promise<string[]> {
  const values: string[] = []
  for await (const { value } of log.consumer(words, { until: 'end', ...options })) values.push(String(value))
  return values
}

function batchOf(...values: readonly string[]): BatchBuilder {
  const batch = new BatchBuilder({ initialBytes: 256 })
  for (const value of values) batch.append(1000, Buffer.from('k'), Buffer.from(value))
  return batch
}

async function append(port: LogPort, ...values: readonly string[]): Promise<void> {
  const writer = await port.openWriter()
  await writer.append('words', 0, batchOf(...values))
  await writer.close()
}

test('shows topics and records beside the writer, and later records to a reader that follows', async () => {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions: 1 })
  await append(port, 'a', 'b')
  const log = await look(world)
  assert.deepEqual(
    (await log.topics()).map(({ name, partitions }) => [name, partitions]),
    [['words', 1]],
  )
  assert.deepEqual(await valuesOf(log), ['a', 'b'])
  assert.equal(await log.port.offsets('words', 0, 'latest'), 2)
  assert.equal(await log.port.offsets('words', 0, { timestamp: 1001 }), 2)

  const followed: string[] = []
  const consumer = log.consumer(words)
  const following = (async () => {
    for await (const { value } of consumer) {
      followed.push(String(value))
      if (followed.length === 4) break
    }
  })()
  await world.clock.advance(1000)
  assert.deepEqual(followed, ['a', 'b'])
  await append(port, 'c', 'd')
  await world.clock.advance(1000)
  await following
  assert.deepEqual(followed, ['a', 'b', 'c', 'd'])

  // The writer has noticed nothing, and closes cleanly.
  await append(port, 'e')
  await world.close()
  assert.deepEqual(await valuesOf(log), ['a', 'b', 'c', 'd', 'e'])
  await log.close()
})

test('hides open and aborted transactions, and shows them once they are committed', async () => {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions: 1 })
  const log = await look(world)
  const writer = await port.openWriter({ transactionalId: 't' })
  await writer.append('words', 0, batchOf('aborted'))
  await writer.abort()
  await writer.append('words', 0, batchOf('open'))
  await append(port, 'behind')
  assert.deepEqual(await valuesOf(log), [])
  assert.deepEqual(await valuesOf(log, { isolation: 'read_uncommitted' }), ['aborted', 'open', 'behind'])

  const followed: string[] = []
  const consumer = log.consumer(words)
  const following = (async () => {
    for await (const { value } of consumer) followed.push(String(value))
  })()
  await world.clock.advance(1000)
  assert.deepEqual(followed, [])
  await writer.commit()
  await world.clock.advance(1000)
  assert.deepEqual(followed, ['open', 'behind'])
  await consumer.close()
  await following
  await log.close()
  await world.close()
})

test('shows only whole batches, however far a write has got', async () => {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions: 1 })
  for (const value of ['a', 'b', 'c']) await append(port, value)
  const path = '/data/words-0/00000000000000000000.log'
  const file = await world.disk.open(path, 'read')
  const bytes = new Uint8Array(await file.size())
  await file.read(bytes, 0)
  const shown = new Map<number, string[]>()
  for (let size = 0; size <= bytes.length; size += size % 7 === 0 ? 1 : 6) {
    // A writer's file as a reader may find it: longer with each write. Here all of it counts as synced, so
    // that no damage can be reported below.
    const torn: Disk = {
      ...guarded(world.disk),
      async stat(name) {
        const stat = await world.disk.stat(name)
        return name === path && stat ? { ...stat, size } : stat
      },
      async open(name, mode) {
        const opened = await world.disk.open(name, mode)
        if (name !== path) return opened
        return {
          ...opened,
          read: (buffer, position) => opened.read(buffer.subarray(0, Math.max(0, size - position)), position),
          size: async () => size,
          close: () => opened.close(),
        }
      },
    }
    const log = await look(world, torn)
    const values = await valuesOf(log)
    shown.set(values.length, values)
    await log.close()
  }
  assert.equal(bytes.length % 3, 0)
  shown.set(3, await valuesOf(await look(world)))
  assert.deepEqual(
    [...shown],
    [
      [0, []],
      [1, ['a']],
      [2, ['a', 'b']],
      [3, ['a', 'b', 'c']],
    ],
  )
  await world.close()
})

test('follows through rolls, and reports when retention was faster', async () => {
  const world = new SimulatedLog(seededRandom(7))
  const port = await world.open()
  await port.createTopic('words', { partitions: 1, configs: { 'segment.bytes': 300 } })
  const log = await look(world)
  const consumer = log.consumer(words)
  const followed: string[] = []
  const following = (async () => {
    for await (const { value } of consumer) followed.push(String(value))
  })()
  const sent: string[] = []
  for (let n = 0; n < 40; n += 1) {
    sent.push(`word ${n}`)
    await append(port, `word ${n}`)
    await world.clock.advance(n % 3 === 0 ? 250 : 10)
  }
  await world.clock.advance(1000)
  assert.deepEqual(followed, sent)
  await consumer.close()
  await following

  await port.createTopic('kept-short', {
    partitions: 1,
    configs: { 'segment.bytes': 300, 'retention.bytes': 600 },
  })
  const writer = await port.openWriter()
  for (let n = 0; n < 40; n += 1) await writer.append('kept-short', 0, batchOf(`word ${n}`))
  const short = topic('kept-short', { key: text(), value: text() })
  const start = await log.port.offsets('kept-short', 0, 'earliest')
  assert.ok(start > 0)
  await assert.rejects(
    async () => {
      for await (const _ of log.consumer(short, { from: { offset: 0 }, until: 'end' })) assert.fail()
    },
    (error: unknown) => isMillraceError(error, 'OFFSET_OUT_OF_RANGE'),
  )
  await log.close()
  await world.close()
})

/** A log of ten words, in each partition, in segments of one record. */
async function tenSegments(partitions = 1): Promise<{ world: SimulatedLog; port: LogPort; sent: string[] }> {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions, configs: { 'segment.bytes': 100 } })
  const sent = Array.from({ length: 10 }, (_, n) => `word ${n}`)
  const writer = await port.openWriter()
  for (const word of sent)
    for (let partition = 0; partition < partitions; partition += 1)
      await writer.append('words', partition, batchOf(word))
  await writer.close()
  return { world, port, sent }
}

const isDamage = (error: unknown): boolean => isMillraceError(error, 'PARTITION_DAMAGED')
const firstFile = '/data/words-0/00000000000000000000.log'

test('a file that the writer replaces while it is looked at is not taken for damage', async () => {
  const { world, sent } = await tenSegments()
  let looks = 0
  const disk: Disk = {
    ...guarded(world.disk),
    async stat(path) {
      const stat = await world.disk.stat(path)
      if (path !== firstFile || !stat) return stat
      looks += 1
      return looks % 2 === 1 ? { ...stat, size: stat.size + 100 } : stat
    },
  }
  const log = await look(world, disk)
  assert.deepEqual(await valuesOf(log), sent)
  assert.ok(looks > 1)
  await log.close()
  await world.close()
})

test('a partition that is damaged is refused soon, and another whose files change is not', async () => {
  const { world, sent } = await tenSegments(2)
  let looks = 0
  const disk: Disk = {
    ...guarded(world.disk),
    async stat(path) {
      const stat = await world.disk.stat(path)
      if (!path.endsWith('/00000000000000000000.log') || !stat) return stat
      const isDamaged = path !== firstFile || ++looks % 2 === 1
      return isDamaged ? { ...stat, size: stat.size + 100 } : stat
    },
  }
  const log = await look(world, disk)
  const reader = await log.port.openReader()
  reader.assign([0, 1].map(partition => ({ topic: 'words', partition, offset: 0 })))
  let taken = 0
  await assert.rejects(async () => {
    for (let n = 0; n < 50; n += 1) {
      while (reader.take('words', 0)) taken += 1
      if (taken === sent.length) reader.take('words', 1)
      await world.clock.advance(10)
    }
  }, isDamage)
  assert.ok(looks < 12, `${looks}`)
  await log.close()
  await world.close()
})

test('damage that a read finds is told after two looks, however much comes in another partition', async () => {
  const { world, port } = await tenSegments(2)
  const file = await world.disk.open(firstFile, 'write')
  await file.write([Buffer.alloc(30, 'x')], 0)
  await file.close()
  const log = await look(world)
  const reader = await log.port.openReader()
  reader.assign([0, 1].map(partition => ({ topic: 'words', partition, offset: 0 })))
  const writer = await port.openWriter()
  let taken = 0
  await assert.rejects(async () => {
    for (let n = 0; n < 200; n += 1) {
      while (reader.take('words', 1)) taken += 1
      reader.take('words', 0)
      await writer.append('words', 1, batchOf('another'))
      await world.clock.advance(10)
    }
  }, isDamage)
  assert.ok(taken >= 10 && taken < 50, `${taken}`)
  await log.close()
  await world.close()
})

for (const [what, find] of [
  ['records', async (log: Log) => assert.equal((await valuesOf(log)).length, 10)],
  [
    'a timestamp',
    async (log: Log) => assert.equal(await log.port.offsets('words', 0, { timestamp: 500 }), 0),
  ],
] as const)
  for (const times of [2, Infinity])
    test(`${what} in a file that is gone are looked for again, ${times === 2 ? 'and found' : 'but not for ever'}`, async () => {
      const { world } = await tenSegments()
      let failures = 0
      const disk: Disk = {
        ...guarded(world.disk),
        async open(path, mode) {
          if (path !== firstFile || failures === times) return world.disk.open(path, mode)
          failures += 1
          throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
        },
      }
      const log = await look(world, disk)
      if (times === 2) await find(log)
      else await assert.rejects(find(log), (error: unknown) => isMillraceError(error, 'DISK_FAILED'))
      assert.ok(failures >= 2 && failures < 200, `${failures}`)
      await log.close()
      await world.close()
    })

test('a file that took the name of another is not read where that one was read', async () => {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions: 2 })
  const writer = await port.openWriter()
  for (let n = 0; n < 8; n += 1) await writer.append('words', 0, batchOf(`word ${n}`))
  for (let n = 0; n < 8; n += 1) await writer.append('words', 1, batchOf(`word ${n}`))
  // Another file is closed for each that is opened.
  const disk: Disk = { ...guarded(world.disk), openFilesMax: async () => 2 }
  const log = await look(world, disk)
  const reader = await log.port.openReader({ fetchBytes: 1, bufferBytes: 1 })
  const offsets: number[] = []
  const next = async (partition: number): Promise<void> => {
    for (let batch; ; await reader.wait(1000))
      if ((batch = reader.take('words', partition))) {
        if (partition === 0) offsets.push(batch.batch.baseOffset)
        return
      } else if (reader.atEnd('words', partition)) return
  }
  reader.assign([0, 1].map(partition => ({ topic: 'words', partition, offset: 0 })))
  for (let n = 0; n < 3; n += 1) await next(0)
  for (let n = 0; n < 4; n += 1) await next(1)

  // As compaction does: without the second of the batches, which are of equal size.
  const file = await world.disk.open(firstFile, 'read')
  const bytes = Buffer.alloc(await file.size())
  await file.read(bytes, 0)
  const batchBytes = 12 + bytes.readInt32BE(8)
  const cleaned = Buffer.concat([bytes.subarray(0, batchBytes), bytes.subarray(2 * batchBytes)])
  const created = await world.disk.open(`${firstFile}.cleaned`, 'create')
  await created.write([cleaned], 0)
  await world.disk.rename(`${firstFile}.cleaned`, firstFile)

  for (let n = 3; n < 8; n += 1) await next(0)
  assert.deepEqual(offsets, [0, 1, 2, 3, 4, 5, 6, 7])
  await log.close()
  await world.close()
})

for (const isMadeAgain of [false, true])
  test(`a topic that is deleted under a reader${isMadeAgain ? ', and created again,' : ''} is UNKNOWN_TOPIC to it`, async () => {
    const world = new SimulatedLog()
    const port = await world.open()
    await port.createTopic('words', { partitions: 1 })
    await append(port, 'a')
    const log = await look(world)
    const following = (async () => {
      for await (const { value } of log.consumer(words)) assert.equal(value, 'a')
    })()
    following.catch(() => {})
    await world.clock.advance(500)
    await port.deleteTopic('words')
    if (isMadeAgain) {
      await port.createTopic('words', { partitions: 1 })
      await append(port, 'another')
    }
    await world.clock.advance(1000)
    await assert.rejects(following, (error: unknown) => isMillraceError(error, 'UNKNOWN_TOPIC'))
    await log.close()
    await world.close()
  })

test('shows what a killed process left, without the recovery that the next process runs', async () => {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions: 1 })
  await append(port, 'a')
  world.disk.kill()
  const log = await look(world)
  assert.deepEqual(await valuesOf(log), ['a'])
  await log.close()
})

test('refuses every call that would write', async () => {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions: 1 })
  const log = await look(world)
  const offsets = [{ topic: 'words', partition: 0, offset: 1 }]
  const calls: readonly (() => Promise<unknown>)[] = [
    () => log.port.openWriter(),
    () => log.port.openWriter({ transactionalId: 't' }),
    () => log.createTopic('more'),
    () => log.deleteTopic('words'),
    () =>
      log.port.joinGroup({ group: 'g', topics: [['words']], onAssigned() {}, onRevoked() {}, onLost() {} }),
    () => log.port.commitOffsets({ group: 'g', offsets }),
    () => log.port.lock('app', 'me'),
    async () => {
      for await (const _ of log.consumer(words, { group: 'g' })) assert.fail()
    },
  ]
  for (const call of calls)
    await assert.rejects(
      call,
      (error: unknown) => isMillraceError(error, 'READ_ONLY') && /readOnly: true/.test(error.message),
    )
  await assert.rejects(
    async () => {
      for await (const _ of log.consumer(words, { from: { offset: 7 }, until: 'end' })) assert.fail()
    },
    (error: unknown) => isMillraceError(error, 'OFFSET_OUT_OF_RANGE'),
  )
  await log.close()
  await assert.rejects(log.topics(), (error: unknown) => isMillraceError(error, 'CLOSED'))
  await world.close()
})

test('a reader that is closed while it waits ends at once, and is CLOSED afterwards', async () => {
  const world = new SimulatedLog()
  const port = await world.open()
  await port.createTopic('words', { partitions: 1 })
  const pending = world.clock.pending
  const log = await look(world)
  const reader = await log.port.openReader()
  reader.assign([{ topic: 'words', partition: 0, offset: 0 }])
  for (let n = 0; n < 3; n += 1) {
    const waited = reader.wait(50)
    await world.clock.advance(50)
    await waited
  }
  const waiting = reader.wait()
  await reader.close()
  await waiting
  await assert.rejects(reader.wait(), (error: unknown) => isMillraceError(error, 'CLOSED'))
  assert.equal(world.clock.pending, pending)
  await log.close()
  await world.close()
})

test('what a program without types gets wrong is refused as by the log that is written', async () => {
  const world = new SimulatedLog()
  await (await world.open()).createTopic('words', { partitions: 1 })
  const log = await look(world)
  const reader = (await log.port.openReader()) as never as Untyped
  const port = log.port as never as Untyped
  const admin = log.admin as never as Untyped
  const calls: [Untyped, string, ...unknown[]][] = [
    [port, 'describeTopic', undefined],
    [port, 'listTopics', null],
    [port, 'offsets', undefined, 0, 'latest'],
    [port, 'committedOffsets', undefined, []],
    [admin, 'describePartitions', undefined],
    [admin, 'describeGroup', undefined],
    [admin, 'openTransactions', null],
    [reader, 'assign', [{ topic: 'words', partition: 0 }]],
    ...['take', 'atEnd', 'position', 'end'].map((call): [Untyped, string, ...unknown[]] => [
      reader,
      call,
      'words',
      0,
    ]),
  ]
  for (const [on, call, ...given] of calls)
    await assert.rejects(
      async () => on[call]!(...given),
      error => isMillraceError(error, 'INVALID_ARGUMENT'),
      call,
    )
  await log.close()
  await world.close()
})

type Untyped = Record<string, (...given: unknown[]) => unknown>
