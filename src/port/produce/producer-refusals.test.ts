/**
 * What is refused at `send` leaves nothing behind in the producer: flush, good records and close work in any
 * order, and all that is good arrives.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { isMillraceError, type ErrorCode } from '../../base/index.ts'
import type { Log, Producer } from '../index.ts'
import { json, text, topic } from '../../schema/index.ts'
import { openTestLog } from '../../broker/simulated-log.test-support.ts'

const orders = topic('orders', { key: z.string(), value: z.object({ at: z.any() }), partitions: 2 })
const good = { key: 'a', value: { at: 1 } }

/** Records as programs without types send them. */
const refused: readonly (readonly [what: string, record: unknown, words: RegExp, code?: ErrorCode])[] = [
  ['no key', { value: good.value }, /key .*undefined/],
  ['a null key', { ...good, key: null }, /key .*null/],
  ['a key of another kind', { ...good, key: 5 }, /key of topic 'orders'/],
  ['no value', { key: 'a' }, /value .*missing; pass null/],
  ['a value of another kind', { ...good, value: 'x' }, /value of topic 'orders'/],
  ['NaN in the value', { ...good, value: { at: Number.NaN } }, /NaN at 'at'/],
  ['half a surrogate pair', { ...good, key: '\ud800' }, /surrogate/],
  ...[-1, 1.5, Number.NaN, Infinity, 1e300, 8.64e15 + 1, '2026-01-05', new Date(), null].map(
    timestamp =>
      [`the timestamp ${String(timestamp)}`, { ...good, timestamp }, /timestamp .*whole number/] as const,
  ),
  ['headers as an object', { ...good, headers: { trace: 'x' } }, /not an array/],
  ['null for headers', { ...good, headers: null }, /null, not an array/],
  ['a header without a key', { ...good, headers: [{ value: 'x' }] }, /key of one is undefined/],
  ['a header that is null', { ...good, headers: [null] }, /key of one is undefined/],
  ['a header without a value', { ...good, headers: [{ key: 'h' }] }, /value of 'h' is undefined/],
  ['a header of a number', { ...good, headers: [{ key: 'h', value: 1 }] }, /value of 'h' is 1/],
  ['a mistyped name', { ...good, timestmap: 1 }, /Did you mean 'timestamp'/, 'INVALID_ARGUMENT'],
  ['text for a record', 'x', /got 'x'/, 'INVALID_ARGUMENT'],
  ['null for a record', null, /got null/, 'INVALID_ARGUMENT'],
  ['nothing for a record', undefined, /got undefined/, 'INVALID_ARGUMENT'],
]

type Untyped = Producer<string, { at: unknown }> & { send(record: unknown): Promise<unknown> }

async function countOf(log: Log): Promise<number> {
  let count = 0
  for await (const { value } of log.consumer(orders, { until: 'end' })) {
    assert.deepEqual(value, good.value)
    count += 1
  }
  return count
}

test('a record that is refused leaves no trace, whatever is wrong with it', async t => {
  const log = await openTestLog(t)
  let sent = 0
  for (const [what, record, words, code = 'MALFORMED_RECORD'] of refused) {
    const producer = log.producer(orders) as Untyped
    const refuses = (promise: Promise<unknown>): Promise<void> =>
      assert.rejects(promise, error => {
        assert(isMillraceError(error, code), `${what}: ${String(error)}`)
        assert.match(error.message, words, what)
        return true
      })
    await Promise.all([producer.send(good), refuses(producer.send(record)), producer.send(good)])
    await refuses(producer.sendBatch([good, record as typeof good, good]))
    await producer.flush()
    const last = refuses(producer.send(record))
    const closing = producer.close()
    await Promise.all([last, closing])
    sent += 3
  }
  assert.equal(await countOf(log), sent)
})

test('flush, good records and close work in any order after a refusal', async t => {
  const log = await openTestLog(t)
  let sent = 0
  for (const [, bad] of refused.filter(([what]) => what === 'no key' || what.startsWith('headers')))
    for (const order of ['b', 'bf', 'bg', 'bgf', 'bfg', 'gbf', 'gbgb', 'fbfbf', 'bbg']) {
      const producer = log.producer(orders) as Untyped
      const done: Promise<unknown>[] = []
      for (const step of order)
        if (step === 'g') done.push(producer.send(good))
        else if (step === 'f') done.push(producer.flush())
        else done.push(assert.rejects(producer.send(bad)))
      sent += order.split('g').length - 1
      done.push(producer.close())
      await Promise.all(done)
    }
  assert.equal(await countOf(log), sent)
})

test('what a timestamp function gives is checked as what a record says', async t => {
  const log = await openTestLog(t)
  for (const at of [1.5, -1, 'x', Number.NaN, undefined, 1e300, null])
    await assert.rejects(
      log.producer(topic('t', { value: json(), timestamp: () => at as number })).send({ value: 1 }),
      error => isMillraceError(error, 'MALFORMED_RECORD') && /timestamp function gives/.test(error.message),
    )
  const throwing = topic('t', { value: json<{ a: { b: number } }>(), timestamp: ({ a }) => a.b })
  await assert.rejects(
    log.producer(throwing).send({ value: {} as never }),
    error => isMillraceError(error, 'MALFORMED_RECORD') && error.cause instanceof TypeError,
  )
  // A deletion has no value to take it from, and the record's own precedes the function.
  await log.producer(throwing).sendBatch([{ value: null }, { value: { a: { b: 2 } }, timestamp: 5 }])
})

test('headers of text are written as UTF-8', async t => {
  const log = await openTestLog(t)
  const notes = topic('notes', { value: text() })
  const headers = [
    { key: 'trace', value: 'ü' },
    { key: 'none', value: null },
    { key: 'raw', value: new Uint8Array([1]) },
  ]
  await log.producer(notes).send({ value: 'x', headers })
  for await (const record of log.consumer(notes, { until: 'end' }))
    assert.deepEqual(
      record.headers.map(({ key, value }) => [key, value && Buffer.from(value).toString('latin1')]),
      [
        ['trace', 'Ã¼'],
        ['none', null],
        ['raw', '\u0001'],
      ],
    )
})

test('a batch that the log refuses for its size fails its own records only', async t => {
  const log = await openTestLog(t)
  await log.createTopic('notes', { partitions: 1, configs: { 'segment.bytes': 100_000 } })
  const writer = await log.port.openWriter()
  const { batch } = await import('../conformance/harness.ts')
  const results = await Promise.allSettled([
    writer.append('notes', 0, batch(['a'])),
    writer.append('notes', 0, batch(['x'.repeat(200_000)])),
    writer.append('notes', 0, batch(['b'])),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  await writer.append('notes', 0, batch(['c']))
  await writer.close()
})

test('a topic of other partitions than it declares is neither written nor read', async t => {
  const log = await openTestLog(t)
  await log.createTopic('two', { partitions: 2 })
  const two = topic('two', { value: json(), partitions: 4 })
  const counted = (error: unknown): boolean =>
    isMillraceError(error, 'PARTITION_COUNT_CHANGED') && /has 2 partitions.*declares 4/.test(error.message)
  await assert.rejects(log.producer(two).send({ value: 1 }), counted)
  for (const group of [{}, { group: 'g' }]) {
    const reading = log.consumer(two, { ...group, until: 'end' }).batches()
    await assert.rejects(reading.next(), counted)
  }
})

/** Slips of programs without types, each told at the call. */
const slips: readonly (readonly [string, (log: Log) => unknown, RegExp])[] = [
  ['a name for a topic', log => log.producer('orders' as never), /topic\('orders', \{ value: json\(\) \}\)/],
  ['a name to read', log => log.consumer('orders' as never), /log\.consumer takes a topic/],
  ['nothing to read', log => log.consumer(undefined as never), /got undefined/],
  ['batchByte', log => log.producer(orders, { batchByte: 1 } as never), /Did you mean 'batchBytes'/],
  ['compression', log => log.producer(orders, { compression: 'zip' as never }), /'gzip'/],
  ['lzma', log => log.producer(orders, { compression: 'lzma' as never }), /'zstd', got 'lzma'/],
  ['lingerMs', log => log.producer(orders, { lingerMs: '5ms' as never }), /milliseconds/],
  ['from', log => log.consumer(orders, { from: 'begining' as never }), /'earliest'.*got 'begining'/],
  ['from a time', log => log.consumer(orders, { from: { timestamp: '2026-01-05' as never } }), /Date\.parse/],
  ['from no time', log => log.consumer(orders, { from: new Date('x') }), /an invalid Date/],
  ['from an offset', log => log.consumer(orders, { from: { offset: -1 } }), /\{ offset \}/],
  ['from both', log => log.consumer(orders, { from: { offset: 1, timestamp: 1 } as never }), /\{ offset \}/],
  ['groupId', log => log.consumer(orders, { groupId: 'g' } as never), /Did you mean 'group'/],
  ['until', log => log.consumer(orders, { until: 'now' as never }), /must be 'end', got 'now'/],
  ['isolation', log => log.consumer(orders, { isolation: 'commited' as never }), /'read_committed'/],
  ['group', log => log.consumer(orders, { group: '' }), /text that is not empty/],
  ['autoCommitMs', log => log.consumer(orders, { autoCommitMs: true as never }), /milliseconds, or false/],
  ['rebalanceTimeout', log => log.consumer(orders, { rebalanceTimeout: '1x' as never }), /milliseconds/],
  ['seek', log => log.consumer(orders).seek('0' as never, 1), /'partition'.*got '0'/],
  ['seek nowhere', log => log.consumer(orders).seek(0, -1), /'offset'.*got -1/],
  ['seekToTime', log => log.consumer(orders).seekToTime('x' as never), /Date\.parse/],
  ['createTopic', log => log.createTopic(5 as never), /a name, or a topic/],
  [
    'createTopic, options',
    log => log.createTopic('t', { partition: 2 } as never),
    /Did you mean 'partitions'/,
  ],
  ['sendBatch', log => log.producer(orders).sendBatch(good as never), /an array, or another iterable/],
]
for (const [what, slip, words] of slips)
  test(`a slip is told at the call: ${what}`, async t => {
    const log = await openTestLog(t)
    await assert.rejects(
      async () => slip(log),
      error => {
        assert(isMillraceError(error, 'INVALID_ARGUMENT', 'INVALID_DURATION'), String(error))
        assert.match(error.message, words)
        return true
      },
    )
  })

test('a consumer begins at a Date', async t => {
  const log = await openTestLog(t)
  await log.producer(orders).sendBatch([0, 1000, 2000].map(timestamp => ({ ...good, timestamp })))
  const read: number[] = []
  for await (const { timestamp } of log.consumer(orders, { from: new Date(1000), until: 'end' }))
    read.push(timestamp)
  assert.deepEqual(read, [1000, 2000])
})
