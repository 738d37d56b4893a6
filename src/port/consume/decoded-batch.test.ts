/** A decoded batch in columns, and what of it is left after its release. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { BatchBuilder, RecordBatch } from '../../wire/index.ts'
import type { FetchedBatch } from '../log-port.ts'
import { DecodedBatch } from './decoded-batch.ts'

const { key, value } = topic('t', { key: text(), value: json<{ n: number }>() })

function fetched(count: number): FetchedBatch {
  const builder = new BatchBuilder()
  for (let n = 0; n < count; n += 1) builder.append(n, `k${n}`, `{"n":${n}}`)
  const batch = new RecordBatch(builder.build())
  return { topic: 't', partition: 0, batch, firstOffset: 0, nextOffset: count }
}

test('holds neither keys nor values after its release; the raw bytes stay for dead letters', () => {
  const decoded = new DecodedBatch(key, value)
  decoded.load(fetched(3))
  deepEqual(decoded.keys, ['k0', 'k1', 'k2'])
  deepEqual(decoded.values, [{ n: 0 }, { n: 1 }, { n: 2 }])
  decoded.release()
  deepEqual(decoded.keys, [null, null, null])
  deepEqual(decoded.values, [null, null, null])
  equal(Buffer.from(decoded.rawKey(2)!).toString(), 'k2')
  equal(Buffer.from(decoded.rawValue(2)!).toString(), '{"n":2}')
  equal(decoded.bytes, 3 * 9)

  decoded.load(fetched(2))
  deepEqual([decoded.count, decoded.keys.slice(0, 2)], [2, ['k0', 'k1']])
  deepEqual(decoded.values, [{ n: 0 }, { n: 1 }, null], 'nothing of a longer batch before')
})
