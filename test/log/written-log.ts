/** A log that a process left behind, known to the byte: the original for the damage tests. */
import { compressions, type Random } from '../../src/base/index.ts'
import { batchOf, dataPath, filesOf, openDirectory } from '../../src/log/log.test-support.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { readBatches } from '../../src/wire/index.ts'

/** The default of LogDirectoryOptions. */
const checkpointIntervalMs = 5000
const bytesMin = 64 << 10
const batchSizes = [1, 2, 7, 30, 120]

export interface WrittenBatch {
  readonly baseOffset: number
  readonly nextOffset: number
  /** Its range in the segment's file: [start, end). */
  readonly start: number
  readonly end: number
}

export interface WrittenSegment {
  readonly path: string
  readonly bytes: Uint8Array
  readonly batches: readonly WrittenBatch[]
}

/** One partition, `flights-0`. */
export interface WrittenLog {
  /** Files by path. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly segments: readonly WrittenSegment[]
  /** The offset in the checkpoint on the disk: about the middle, or the end after a clean stop. */
  readonly recoveryPoint: number
}

/** Plain batches, transactions that commit, abort or stay open; batches of several sizes and compressions. */
export async function writeLog(
  segmentBytes: number,
  random: Random,
  end: 'killed' | 'clean',
): Promise<WrittenLog> {
  const disk = new SimulatedDisk({ random })
  const clock = virtualClock(1_000_000)
  const log = await openDirectory(disk, { clock, segmentBytes, indexIntervalBytes: 1024 })
  const partition = await log.createPartition('flights', 0)
  const producers = [7, 8].map(producerId => ({ producerId, sequence: 0, isOpen: false }))
  let written = 0
  let isHalfWay = false
  for (let n = 0; written < bytesMin; n += 1) {
    const producer = producers[random.int(producers.length + 1)]
    if (producer?.isOpen && random.int(3) === 0) {
      const type = random.int(2) === 0 ? 'commit' : 'abort'
      const { producerId } = producer
      await partition.appendMarker({ type, producerId, producerEpoch: 0, coordinatorEpoch: 0 }).durable
      producer.isOpen = false
      continue
    }
    const bytes = batchOf(values(n, random), {
      compression: compressions[random.int(compressions.length)]!,
      timestamp: 1_000_000 + n,
      ...(producer && {
        producerId: producer.producerId,
        producerEpoch: 0,
        baseSequence: producer.sequence,
        transactional: true,
      }),
    })
    written += bytes.length
    const { baseOffset, lastOffset } = partition.append(bytes)
    if (producer) {
      producer.isOpen = true
      producer.sequence += lastOffset - baseOffset + 1
    }
    await partition.sync()
    if (written > bytesMin / 2 && !isHalfWay) {
      isHalfWay = true
      await clock.advance(checkpointIntervalMs)
    }
  }
  if (end === 'clean') await log.close()
  const files = await filesOf(disk)
  const segments = [...files].filter(([path]) => path.endsWith('.log')).map(segmentOf)
  return { files, segments, recoveryPoint: checkpointed(files) }
}

/** The checkpoint in the file: rolling a segment renews it, and so does time. */
function checkpointed(files: ReadonlyMap<string, Uint8Array>): number {
  const text = Buffer.from(files.get(`${dataPath}/recovery-point-offset-checkpoint`)!).toString()
  return Number(/^flights 0 (\d+)$/m.exec(text)![1])
}

function segmentOf([path, bytes]: readonly [string, Uint8Array]): WrittenSegment {
  let start = 0
  const batches = readBatches(bytes).map(({ baseOffset, nextOffset, sizeBytes }) => {
    const end = start + sizeBytes
    const batch = { baseOffset, nextOffset, start, end }
    start = end
    return batch
  })
  return { path, bytes, batches }
}

function values(n: number, random: Random): string[] {
  const count = batchSizes[random.int(batchSizes.length)]!
  return Array.from({ length: count }, (_, record) => `${n}.${record} ${random.int(1_000_000)}`)
}
