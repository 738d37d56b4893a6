/**
 * Indexes, digests and producer snapshots are derived from the log. Whatever happens to one of them, or to
 * all of a kind, the log opens, reports no damage, and answers as before: records at either isolation level,
 * look-ups by time, producers. After the next stop the files are what they were.
 */
import assert from 'node:assert/strict'
import { isMillraceError, type Random } from '../../src/base/index.ts'
import type { Partition } from '../../src/log/index.ts'
import { batchOf, filesOf, openDirectory, shownOf } from '../../src/log/log.test-support.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { forSeeds } from '../for-seeds.ts'
import { soak } from '../scale.ts'
import { writeLog } from './written-log.ts'

const kinds = ['index', 'timeindex', 'txnindex', 'digest', 'snapshot'] as const
type Kind = (typeof kinds)[number]
/** As in written-log.ts: indexes that are built again are identical to the byte. */
const indexIntervalBytes = 1024
const entryBytes: Record<Kind, number> = { index: 8, timeindex: 12, txnindex: 34, digest: 20, snapshot: 46 }

/** The new content of a file; undefined: the file is removed. */
type Change = (bytes: Buffer, kind: Kind) => Buffer | undefined

/** Adds 7 to an integer of every entry: positions in an index, offsets in the others. */
function shifted(bytes: Buffer, kind: Kind): Buffer {
  const field = { index: 4, timeindex: 8, txnindex: 22, digest: 0, snapshot: 6 }[kind]
  for (let at = field; at + 4 <= bytes.length; at += entryBytes[kind])
    bytes.writeInt32BE((bytes.readInt32BE(at) + 7) | 0, at)
  return bytes
}

function withBit(bit: (bits: number) => number): Change {
  return bytes => {
    if (bytes.length === 0) return bytes
    const at = bit(bytes.length * 8)
    bytes[at >> 3]! ^= 1 << (at & 7)
    return bytes
  }
}

const changes: Record<string, Change> = {
  deleted: () => undefined,
  emptied: () => Buffer.alloc(0),
  'one entry shorter': (bytes, kind) => bytes.subarray(0, Math.max(0, bytes.length - entryBytes[kind])),
  'one byte shorter': bytes => bytes.subarray(0, Math.max(0, bytes.length - 1)),
  'first entry twice': (bytes, kind) => Buffer.concat([bytes.subarray(0, entryBytes[kind]), bytes]),
  'zeros behind it': bytes => Buffer.concat([bytes, Buffer.alloc(120)]),
  'all zeros': bytes => Buffer.alloc(bytes.length),
  'its first bit': withBit(() => 7),
  'its last bit': withBit(bits => bits - 1),
  'a bit in the middle': withBit(bits => bits >> 1),
  'each position + 7': shifted,
}

/** Every answer that a partition can give. */
async function answersOf(partition: Partition): Promise<unknown> {
  const lookUps: unknown[] = []
  for (let timestamp = 999_990; timestamp < 1_000_600; timestamp += 7)
    lookUps.push(await partition.offsetForTimestamp(timestamp))
  return {
    offsets: [partition.logStartOffset, partition.lastStableOffset, partition.logEndOffset],
    committed: await shownOf(partition, 'read_committed'),
    uncommitted: await shownOf(partition, 'read_uncommitted'),
    lookUps,
    open: partition.openTransactions,
    largestProducerId: partition.largestProducerId,
    producers: [7, 8].map(producerId => expectedSequence(partition, producerId)),
  }
}

/** The next sequence of a producer, taken from the error for a batch out of order. */
function expectedSequence(partition: Partition, producerId: number): string {
  try {
    partition.append(batchOf(['x'], { producerId, producerEpoch: 0, baseSequence: 1e9, transactional: true }))
    return 'any'
  } catch (error) {
    if (isMillraceError(error, 'OUT_OF_ORDER_SEQUENCE')) return error.message
    throw error
  }
}

/** Every change to every file of a kind, one by one or all at once. */
export function check(end: 'clean' | 'killed'): Promise<void> {
  return forSeeds(1, random => checkWith(random, end))
}

async function checkWith(random: Random, end: 'clean' | 'killed'): Promise<void> {
  const { files } = await writeLog(12 << 10, random, end)
  const original = new SimulatedDisk()
  for (const [path, bytes] of files) original.setContent(path, bytes)
  const log = await openDirectory(original, { indexIntervalBytes })
  const expected = await answersOf(log.partition('flights', 0)!)
  await log.close()
  const closed = await filesOf(original)

  const checkOne = async (name: string, kind: Kind, paths: readonly string[]): Promise<void> => {
    const disk = new SimulatedDisk()
    for (const [path, bytes] of files) disk.setContent(path, bytes)
    for (const path of paths) {
      const changed = changes[name]!(Buffer.from(files.get(path)!), kind)
      if (changed) disk.setContent(path, changed)
      else await disk.remove(path)
    }
    const what = `${end}, ${name}: ${paths.join(', ')}`
    for (const readOnly of [true, false]) {
      const directory = await openDirectory(disk, { readOnly, indexIntervalBytes })
      const [report] = directory.recovery.partitions
      assert.equal(report?.damage, undefined, what)
      assert.equal(report?.cut, undefined, what)
      const partition = directory.partition('flights', 0)!
      if (readOnly) {
        assert.deepEqual(await shownOf(partition, 'read_committed'), (expected as Answers).committed, what)
        assert.deepEqual(await partition.offsetForTimestamp(1_000_100), await lookUp(original), what)
      } else assert.deepEqual(await answersOf(partition), expected, what)
      await directory.close()
    }
    for (const [path, bytes] of closed) {
      // Files of the directory say which stop they are of.
      if (path.endsWith('.snapshot') || !path.includes('-0/')) continue
      assert.equal(
        withoutTimes(path, disk.contentOf(path) ?? Buffer.alloc(0)),
        withoutTimes(path, bytes),
        `${what}: ${path} is as it was`,
      )
    }
  }

  for (const kind of kinds) {
    const paths = [...files.keys()].filter(path => path.endsWith(`.${kind}`))
    assert(paths.length > 2, `${kind}: there is something to change`)
    for (const name of Object.keys(changes)) {
      await checkOne(name, kind, paths)
      for (const [n, path] of paths.entries())
        if (soak || n === 0 || n === paths.length - 1) await checkOne(name, kind, [path])
    }
  }
}

interface Answers {
  readonly committed: unknown
}

async function lookUp(disk: SimulatedDisk): Promise<unknown> {
  const log = await openDirectory(disk, { readOnly: true })
  return log.partition('flights', 0)!.offsetForTimestamp(1_000_100)
}

/** The content of a file; of a digest without the times of appends, which only it knows. */
function withoutTimes(path: string, bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1')
  return path.endsWith('.digest') ? text.replace(/times .*\ncheck .*\n/, '') : text
}
