/** Batches that millrace builds, in a segment file, as Apache Kafka's DumpLogSegments reads them. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compressions, type Compression } from '../../src/base/index.ts'
import { BatchBuilder, controlBatch, type BatchStamp } from '../../src/wire/index.ts'
import { dumpLog, type DumpedBatch } from './dump-log.ts'
import { peersFolder } from './install.ts'

const start = Date.UTC(2001, 5, 14)

/**
 * Null key, tombstone, header without a value, text beyond ASCII, a value that compresses well: what a batch
 * can hold.
 */
const records = Array.from({ length: 50 }, (_, n) => ({
  timestamp: start + ((n * 7919) % 1000),
  key: n % 10 === 3 ? null : `key-${n % 7}`,
  value: n % 10 === 7 ? null : `Zürich ✈ ${n} ${'x'.repeat(n)}`,
  headers:
    n % 5 === 0
      ? [
          { key: 'source', value: Buffer.from('test') },
          { key: 'empty', value: null },
        ]
      : [],
}))

function build(compression: Compression, stamp: BatchStamp): Uint8Array {
  const builder = new BatchBuilder({ compression })
  for (const { timestamp, key, value, headers } of records) builder.append(timestamp, key, value, headers)
  return builder.build({ leaderEpoch: 0, ...stamp })
}

describe('batches that millrace builds', () => {
  let folder = ''
  before(() => {
    mkdirSync(peersFolder, { recursive: true })
    folder = mkdtempSync(join(peersFolder, 'run-batches-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  for (const compression of compressions)
    it(`are read by DumpLogSegments, ${compression}`, async () => {
      // Plain, then a transaction that commits, then one that aborts.
      const count = records.length
      const transaction = { producerId: 4000, producerEpoch: 2, transactional: true }
      const marker = { producerId: 4000, producerEpoch: 2, coordinatorEpoch: 0, timestamp: start }
      const segment = Buffer.concat([
        build(compression, { baseOffset: 0 }),
        build(compression, { baseOffset: count, baseSequence: 0, ...transaction }),
        controlBatch({ ...marker, type: 'commit', baseOffset: 2 * count }),
        build(compression, { baseOffset: 2 * count + 1, baseSequence: count, ...transaction }),
        controlBatch({ ...marker, type: 'abort', baseOffset: 3 * count + 1 }),
      ])
      const file = join(folder, `${compression}-0`, '00000000000000000000.log')
      mkdirSync(join(file, '..'))
      writeFileSync(file, segment)

      const batches: DumpedBatch[] = []
      assert.deepEqual(await dumpLog([file], batch => batches.push(batch)), [])
      assert(batches.every(({ valid }) => valid))
      const bases = batches.map(
        ({ baseOffset, transactional, control, producerId, baseSequence, records: [first] }) => [
          baseOffset,
          transactional,
          control ? first?.marker : '',
          producerId,
          baseSequence,
        ],
      )
      assert.deepEqual(bases, [
        [0, false, '', -1, -1],
        [count, true, '', 4000, 0],
        [2 * count, true, 'COMMIT', 4000, -1],
        [2 * count + 1, true, '', 4000, count],
        [3 * count + 1, true, 'ABORT', 4000, -1],
      ])
      for (const { baseOffset, control, compression: dumpedCompression, records: dumped } of batches) {
        if (control) continue
        assert.equal(dumpedCompression, compression)
        const expected = records.map(({ timestamp, key, value, headers }, n) => ({
          offset: baseOffset + n,
          timestamp,
          key,
          value,
          headerKeys: headers.map(header => header.key),
          marker: undefined,
        }))
        assert.deepEqual(dumped, expected)
      }
    })
})
