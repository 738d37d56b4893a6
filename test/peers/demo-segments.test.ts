/**
 * The demo's log, as Apache Kafka's DumpLogSegments reads it: every batch, record and marker of every
 * partition, after two kills on the way. A month of flights; all of the half-year under SOAK=1.
 */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { nodeDisk, systemClock, utf8 } from '../../src/base/index.ts'
import { LogDirectory, type Partition } from '../../src/log/index.ts'
import { controlMarkerOf, readBatches, type RecordBatch } from '../../src/wire/index.ts'
import { soak } from '../scale.ts'
import { dumpLog, type DumpedBatch, type DumpedRecord } from './dump-log.ts'
import { peersFolder } from './install.ts'

/** What the process is at when it is killed, how often it has said so before, and how long ago. */
const kills = [
  { phase: 'publishing', times: 10, afterMs: 10 },
  { phase: 'processing', times: 3, afterMs: 200 },
] as const
const demo = resolve(import.meta.dirname, '../../examples/flights/main.ts')
const slice = soak ? [] : ['--days', '31']
/**
 * Topics whose records are text throughout: compared to the letter. Of the others sizes are not printed, so
 * offsets, times and headers are.
 */
const textTopics = /^(flights|airports)-\d+$/

/** Partition folders and their batches, a line each. */
type Contents = Map<string, string[]>

describe('the log of the demo', () => {
  let folder = ''
  let log = ''
  before(async () => {
    mkdirSync(peersFolder, { recursive: true })
    folder = mkdtempSync(join(peersFolder, 'run-demo-'))
    log = join(folder, 'log')
    const args = ['--data', folder, ...slice]
    for (const [n, kill] of kills.entries())
      assert.equal(await runDemo(n === 0 ? args : ['--resume', ...args], kill), 'SIGKILL')
    // It checks its tables against the source files by itself.
    assert.equal(await runDemo(['--resume', ...args]), 0)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('is read by DumpLogSegments with every record and every marker', async t => {
    const expected = await readOurselves(log)
    assert.equal([...expected.keys()].filter(name => name.startsWith('flights-')).length, 6)
    const found: Contents = new Map()
    for (const isText of [true, false]) {
      const partitions = [...expected.keys()].filter(name => textTopics.test(name) === isText)
      const segments = partitions.flatMap(name =>
        readdirSync(join(log, name))
          .filter(file => file.endsWith('.log'))
          .sort()
          .map(file => join(log, name, file)),
      )
      const flags = isText ? ['--print-data-log'] : []
      const complaints = await dumpLog(segments, batch => add(found, dumpedLine(batch, isText)), flags)
      assert.deepEqual(complaints, [])
    }
    const lines = [...expected.values()].flat()
    const count = (kind: string): number => lines.filter(line => line.startsWith(kind)).length
    const markers = `${count('COMMIT')} commit markers, ${count('ABORT')} abort markers`
    t.diagnostic(`${expected.size} partitions, ${lines.length} batches, ${markers}`)
    assert(count('COMMIT') > 100 && count('ABORT') > 0 && count('transactional') > 100)
    for (const [partition, batches] of expected)
      assert.deepEqual(found.get(partition) ?? [], batches, partition)
  })

  it('has indexes that DumpLogSegments finds in order', async () => {
    const indexes = readdirSync(log, { recursive: true, encoding: 'utf8' })
      .filter(file => /\.(index|timeindex)$/.test(file))
      .map(file => join(log, file))
    assert.deepEqual(await dumpLog(indexes, () => {}), [])
  })
})

/** The exit code, or the signal that ended it. */
function runDemo(args: readonly string[], kill?: (typeof kills)[number]): Promise<number | string | null> {
  return new Promise((ended, failed) => {
    const child = fork(demo, [...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    let times = 0
    child.on('message', message => {
      if (message !== kill?.phase) return
      times += 1
      if (times === kill.times) setTimeout(() => child.kill('SIGKILL'), kill.afterMs)
    })
    child.on('error', failed)
    child.on('exit', (code, signal) => ended(signal ?? code))
  })
}

/** What src/log says of each partition. */
async function readOurselves(path: string): Promise<Contents> {
  const contents: Contents = new Map()
  const directory = await LogDirectory.open(path, { disk: nodeDisk, clock: systemClock, readOnly: true })
  for (const partition of directory.partitions()) await readPartition(partition, contents)
  await directory.close()
  return contents
}

async function readPartition(partition: Partition, contents: Contents): Promise<void> {
  const name = `${partition.topic}-${partition.index}`
  contents.set(name, [])
  for (let offset = partition.logStartOffset; offset < partition.logEndOffset;) {
    const read = await partition.read(offset, { maxBytes: 1 << 20, isolation: 'read_uncommitted' })
    for (const batch of readBatches(read.batches))
      add(contents, [name, ourLine(batch, textTopics.test(name))])
    assert(read.nextOffset > offset)
    offset = read.nextOffset
  }
}

function add(contents: Contents, [partition, line]: readonly [string, string]): void {
  const lines = contents.get(partition)
  if (lines) lines.push(line)
  else contents.set(partition, [line])
}

function dumpedLine(batch: DumpedBatch, isText: boolean): readonly [partition: string, line: string] {
  assert(batch.valid)
  return [basename(dirname(batch.file)), lineOf(batch, batch.records, isText)]
}

function ourLine(batch: RecordBatch, isText: boolean): string {
  const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : utf8(bytes))
  const marker = batch.isControl ? controlMarkerOf(batch) : undefined
  const records: DumpedRecord[] = []
  for (const cursor = batch.records(); cursor.next();)
    records.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: text(cursor.key()),
      value: text(cursor.value()),
      headerKeys: cursor.headers().map(({ key }) => key),
      marker: marker && (marker.type === 'commit' ? 'COMMIT' : 'ABORT'),
    })
  const { isTransactional: transactional, isControl: control, sizeBytes: size } = batch
  const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, compression } = batch
  const shape = { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, compression, size }
  return lineOf({ ...shape, transactional, control }, records, isText)
}

/** What a batch is, and a digest of its records. */
function lineOf(
  batch: Omit<DumpedBatch, 'file' | 'valid' | 'records'>,
  records: readonly DumpedRecord[],
  isText: boolean,
): string {
  const { baseOffset, lastOffset, producerId, producerEpoch, baseSequence, compression, size } = batch
  const digest = createHash('sha1')
  for (const { offset, timestamp, key, value, headerKeys, marker } of records)
    digest.update(
      JSON.stringify([offset, timestamp, ...(isText && !marker ? [key, value] : []), headerKeys, marker]),
    )
  const kind = batch.control ? records[0]?.marker : batch.transactional ? 'transactional' : 'plain'
  return `${kind} ${baseOffset}-${lastOffset} producer ${producerId}/${producerEpoch} from ${baseSequence} ${compression} ${size} bytes: ${records.length} records ${digest.digest('hex')}`
}
