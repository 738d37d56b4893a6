/** The sink in memory is one over the helper, so the conformance suite shows what the helper does. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isMillraceError } from '../base/index.ts'
import { sinkConformance, sinkContext, type Sample, type SinkTarget } from './sink-conformance.ts'
import { MemoryTarget } from './memory-sink.test-support.ts'

describe('a sink over transactional offsets passes the suite', () => {
  const make = (): Promise<SinkTarget> => {
    const target = new MemoryTarget<string, Sample>()
    target.refuses = ({ value }) => value?.n === 1.5
    return Promise.resolve({
      sink: () => target.sink(),
      read: () =>
        Promise.resolve(target.rows.map(({ key, value }) => ({ key: key!, n: value!.n, note: value!.note }))),
      close: () => Promise.resolve(),
    })
  }
  for (const { name, run } of sinkConformance({ make, refused: { n: 1.5, note: null } })) test(name, run)
})

const sample = (n: number) =>
  ({ partition: 0, offset: n, timestamp: 0, key: 'k', value: { n, note: null } }) as const

test('offsets that a user deletes while a writer is open end that writer', async () => {
  const target = new MemoryTarget<string, Sample>()
  const writer = await target.sink().open(sinkContext())
  await writer.write([sample(0)], new Map([[0, 1]]))
  target.offsets.clear()
  target.partitions = 0
  await assert.rejects(
    writer.write([sample(1)], new Map([[0, 2]])),
    error => isMillraceError(error, 'SINK_CHANGED') && /deleted while it was open/.test(error.message),
  )
  assert.equal(target.rows.length, 1)
})

test('offsets of another topic are refused with the remedy, and the writer stays valid', async () => {
  const target = new MemoryTarget<string, Sample>()
  const writer = await target.sink().open(sinkContext())
  await writer.write([sample(0)], new Map([[0, 1]]))
  await assert.rejects(
    target.sink().open(sinkContext('another topic')),
    error => isMillraceError(error, 'SINK_CHANGED') && /'memory' in memory.*Take another/.test(error.message),
  )
  await writer.write([sample(1)], new Map([[0, 2]]))
  assert.equal(target.rows.length, 2)
})

test('a failed write moves no offset, and can be repeated', async () => {
  const target = new MemoryTarget<string, Sample>()
  const writer = await target.sink().open(sinkContext())
  target.onWrite = when => {
    if (when === 'before') throw new Error('lost connection')
  }
  await assert.rejects(writer.write([sample(0)], new Map([[0, 1]])), /lost connection/)
  assert.deepEqual(await writer.committed(), new Map())
  target.onWrite = () => {}
  await writer.write([sample(0)], new Map([[0, 1]]))
  await writer.write([sample(0)], new Map([[0, 1]]))
  assert.equal(target.rows.length, 1)
  assert.deepEqual(await writer.committed(), new Map([[0, 1]]))
})
