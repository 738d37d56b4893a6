/**
 * A log directory that millrace wrote, through a crash and its recovery, as Apache Kafka's DumpLogSegments
 * reads it: every record and every marker, and the index files checked against them.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  dumpAborted,
  dumpLog,
  dumpProducers,
  type DumpedAborted,
  type DumpedBatch,
  type DumpedProducer,
} from './dump-log.ts'
import { peersFolder } from './install.ts'
import { writeOurTopics, type WrittenRecord, type WrittenTopics } from './our-topics.ts'

/** What the batches of a partition say. */
interface Read {
  readonly records: WrittenRecord[]
  /** In the order of their markers. */
  readonly aborted: DumpedAborted[]
  /** By producer id, as of the last batch. */
  readonly producers: Map<number, DumpedProducer>
  markers: number
  nextOffset: number
}

describe('a log that millrace wrote', () => {
  let folder = ''
  let directory = ''
  let topics: WrittenTopics
  /** What DumpLogSegments showed. */
  const read = new Map<string, Read>()
  const filesOf = (partition: string, extension: string): string[] =>
    readdirSync(join(directory, partition))
      .filter(name => name.endsWith(`.${extension}`))
      .sort()
      .map(name => join(directory, partition, name))

  before(async () => {
    mkdirSync(peersFolder, { recursive: true })
    folder = mkdtempSync(join(peersFolder, 'run-our-log-'))
    ;({ directory, topics } = await writeOurTopics(folder))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('lost nothing but the half batch at its end', () => {
    const aside = readdirSync(join(directory, 'plain-none-0')).filter(name => name.includes('.cut-'))
    assert.equal(aside.length, 1)
  })

  it('is read by DumpLogSegments in full, record by record and marker by marker', async () => {
    for (const [partition, { records, markers }] of topics) {
      const segments = filesOf(partition, 'log')
      assert(segments.length >= 3, `${partition} was rolled`)
      const found: Read = { records: [], aborted: [], producers: new Map(), markers: 0, nextOffset: 0 }
      /** By producer: what is not decided yet. */
      const open = new Map<number, WrittenRecord[]>()
      const complaints = await dumpLog(segments, batch => take(found, open, batch))
      assert.deepEqual(complaints, [])
      assert.equal(open.size, 0, 'every transaction has its marker')
      assert.equal(found.markers, markers)
      assert.deepEqual(found.records, records)
      read.set(partition, found)
    }
    assert([...topics.values()].some(({ markers }) => markers > 50))
  })

  it('has offset and time indexes that DumpLogSegments finds in order', async () => {
    const indexes = [...topics.keys()].flatMap(partition => {
      const found = [...filesOf(partition, 'index'), ...filesOf(partition, 'timeindex')]
      assert.equal(found.length, 2 * filesOf(partition, 'log').length)
      assert(found.filter(file => statSync(file).size >= 10 * 8).length >= 2, 'there is something to check')
      return found
    })
    // Each entry is looked up in the log beside it.
    assert.deepEqual(await dumpLog(indexes, () => {}), [])
    assert.deepEqual(await dumpLog(indexes, () => {}, ['--index-sanity-check']), [])
  })

  it('has indexes of aborted transactions, and snapshots of producers, in Kafka’s form', async () => {
    for (const [partition, { aborted, producers }] of read) {
      const found = await dumpAborted(filesOf(partition, 'txnindex'))
      assert.deepEqual(found, aborted)
      const [snapshot] = filesOf(partition, 'snapshot').slice(-1)
      assert(snapshot)
      assert.equal(
        basename(snapshot),
        `${String(read.get(partition)?.nextOffset).padStart(20, '0')}.snapshot`,
      )
      const kept = await dumpProducers(snapshot)
      assert.deepEqual(
        kept.sort((a, b) => a.producerId - b.producerId),
        [...producers.values()].sort((a, b) => a.producerId - b.producerId),
      )
    }
    assert([...read.values()].some(({ aborted }) => aborted.length > 20))
  })
})

function take(read: Read, open: Map<number, WrittenRecord[]>, batch: DumpedBatch): void {
  const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, transactional, control } = batch
  assert(batch.valid)
  assert.equal(baseOffset, read.nextOffset, 'no offset is missing')
  read.nextOffset = lastOffset + 1
  if (control) {
    const [marker] = batch.records
    const decided = open.get(producerId)
    assert(decided?.[0] && marker?.marker, 'a marker ends a transaction')
    open.delete(producerId)
    read.markers += 1
    // A marker may raise the epoch, and then sequences begin again at 0.
    const known = read.producers.get(producerId)
    const last = known?.producerEpoch === producerEpoch ? known.last : undefined
    read.producers.set(producerId, { producerId, producerEpoch, last })
    if (marker.marker === 'ABORT') {
      for (const record of decided) record.visible = false
      read.aborted.push({ producerId, firstOffset: decided[0].offset, lastOffset })
    }
    return
  }
  assert(batch.records.length === lastOffset - baseOffset + 1)
  const records = batch.records.map((record): WrittenRecord => ({ ...record, visible: true }))
  read.records.push(...records)
  const last = { sequence: baseSequence + records.length - 1, offset: lastOffset }
  read.producers.set(producerId, { producerId, producerEpoch, last })
  if (!transactional) return
  const undecided = open.get(producerId)
  if (undecided) undecided.push(...records)
  else open.set(producerId, records)
}
