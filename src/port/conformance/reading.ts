/** Appending and reading without transactions: order, positions, buffers, and the wake-up of a reader. */
import assert from 'node:assert/strict'
import { compressions } from '../../base/index.ts'
import { BatchBuilder } from '../../wire/index.ts'
import type { FetchedBatch } from '../log-port.ts'
import { append, batch, drain, refuses, stateOf, valuesOf } from './harness.ts'
import type { Cases } from './index.ts'

const numbers = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${from + index}`)

export const readingCases: Cases = {
  async 'records come back in the order of the calls, once each'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter()
    // Not awaited one by one: retried appends must be neither doubled nor overtaken.
    const appended = Array.from({ length: 200 }, (_, index) => append(writer, topic, numbers(index * 3, 3)))
    assert.deepEqual(
      await Promise.all(appended),
      Array.from({ length: 200 }, (_, index) => index * 3),
    )
    assert.deepEqual(await h.values(topic), numbers(0, 600))
    await writer.close()
  },

  async 'a fetch may begin in the middle of a batch'(h) {
    const topic = await h.topic()
    await h.write(topic, numbers(0, 5))
    await h.write(topic, numbers(5, 5))
    for (let from = 0; from <= 10; from += 1)
      assert.deepEqual(await h.values(topic, { from }), numbers(from, 10 - from))
    const reader = await h.port.openReader()
    reader.assign([{ topic, partition: 0, offset: 3 }])
    let first
    while (!(first = reader.take(topic, 0))) await reader.wait(10_000)
    assert.deepEqual([first.firstOffset, first.batch.baseOffset], [3, 0])
    await reader.close()
  },

  async 'compressed batches pass as they are'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter()
    for (const compression of compressions) {
      const builder = new BatchBuilder({ compression })
      for (const value of numbers(0, 100)) builder.append(0, null, value)
      await writer.append(topic, 0, builder)
    }
    assert.deepEqual(
      await h.values(topic),
      compressions.flatMap(() => numbers(0, 100)),
    )
    await writer.close()
  },

  async 'small buffers only slow a reader down'(h) {
    const topic = await h.topic()
    for (let from = 0; from < 60; from += 20) await h.write(topic, numbers(from, 20))
    const reader = await h.port.openReader({ fetchBytes: 1, bufferBytes: 1 })
    reader.assign([{ topic, partition: 0, offset: 0 }])
    assert.deepEqual(
      (await drain(reader, topic, 0)).map(({ value }) => value),
      numbers(0, 60),
    )
    await reader.close()
  },

  async 'a batch is valid until the next one of its partition is taken'(h) {
    const topic = await h.topic(2)
    // Ten fetches of a batch each, so that memory is lent again and again.
    for (let from = 0; from < 200; from += 20)
      for (const partition of [0, 1]) await h.write(topic, numbers(from, 20), { partition })
    const reader = await h.port.openReader({ fetchBytes: 1, bufferBytes: 1 })
    const place = (partition: number): { topic: string; partition: number; offset: number } => ({
      topic,
      partition,
      offset: 0,
    })
    reader.assign([place(0)])
    const next = async (partition: number): Promise<FetchedBatch> => {
      for (;;) {
        const fetched = reader.take(topic, partition)
        if (fetched) return fetched
        await reader.wait(10_000)
      }
    }
    const held = await next(0)
    reader.assign([place(0), place(1)])
    for (let from = 0; from < 200; from += 20)
      assert.deepEqual(valuesOf((await next(1)).batch), numbers(from, 20))
    reader.assign([place(0)])
    assert.deepEqual(valuesOf(held.batch), numbers(0, 20))
    for (let from = 20; from < 200; from += 20) {
      const { batch: taken } = await next(0)
      await h.pass(1)
      assert.deepEqual(valuesOf(taken), numbers(from, 20))
    }
    await reader.close()
  },

  async 'partitions that stay assigned keep their position'(h) {
    const topic = await h.topic(2)
    for (const partition of [0, 1]) await h.write(topic, numbers(partition * 10, 2), { partition })
    const reader = await h.port.openReader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    assert.equal((await drain(reader, topic, 0)).length, 2)
    reader.assign([0, 1].map(partition => ({ topic, partition, offset: 0 })))
    assert.equal(reader.position(topic, 0), 2)
    assert.equal((await drain(reader, topic, 0)).length, 0)
    assert.equal((await drain(reader, topic, 1)).length, 2)
    reader.assign([{ topic, partition: 1, offset: 0 }])
    assert.throws(() => reader.take(topic, 0))
    reader.assign([0, 1].map(partition => ({ topic, partition, offset: 1 })))
    assert.deepEqual(
      (await drain(reader, topic, 0)).map(({ offset }) => offset),
      [1],
    )
    await reader.close()
  },

  async 'a missing offset is out of range'(h) {
    const topic = await h.topic()
    await h.write(topic, ['a'])
    await refuses('OFFSET_OUT_OF_RANGE', h.read(topic, { from: 7 }))
  },

  async 'a reader at the end is woken by data'(h) {
    const topic = await h.topic()
    const reader = await h.port.openReader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    assert.deepEqual(await drain(reader, topic, 0), [])
    await reader.wait(0)
    const waiting = (async () => {
      for (;;) {
        const fetched = reader.take(topic, 0)
        if (fetched) return fetched.nextOffset
        await reader.wait()
      }
    })()
    assert.equal(await stateOf(waiting), 'pending')
    await h.write(topic, ['a', 'b'])
    assert.equal(await waiting, 2)
    assert.equal(reader.position(topic, 0), 2)
    await reader.close()
  },

  async 'wait ends by its timeout, by its signal, and by close'(h) {
    const topic = await h.topic()
    const reader = await h.port.openReader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    await drain(reader, topic, 0)
    // All earlier records are known: no more will come.
    while ((await stateOf(reader.wait(0))) === 'pending') await h.pass(1)

    const timed = reader.wait(50)
    assert.equal(await stateOf(timed), 'pending')
    await h.pass(60)
    await timed

    const controller = new AbortController()
    const signalled = reader.wait(undefined, controller.signal)
    assert.equal(await stateOf(signalled), 'pending')
    controller.abort()
    await signalled
    await reader.wait(undefined, controller.signal)

    const closed = reader.wait()
    await reader.close()
    await closed
    await refuses('CLOSED', reader.wait())
  },

  async 'a writer that was closed writes no more'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter()
    await append(writer, topic, ['a'])
    await refuses('INVALID_TXN_STATE', writer.commit())
    await writer.close()
    await refuses('CLOSED', writer.append(topic, 0, batch(['b'])))
    assert.deepEqual(await h.values(topic), ['a'])
  },
}
