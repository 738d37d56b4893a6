/**
 * What the log's tests share: batches made in one line, directories over a simulated disk, and what a reader
 * is shown of a partition.
 */
import { rejects, throws } from 'node:assert/strict'
import {
  isMillraceError,
  LentMemory,
  type Clock,
  type Compression,
  type Disk,
  type ErrorCode,
} from '../base/index.ts'
import { InProcessReader } from '../broker/reader.ts'
import { drain, type Shown } from '../port/conformance/harness.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { BatchBuilder, type BatchStamp } from '../wire/index.ts'
import { LogDirectory } from './log-directory.ts'
import type { LogDirectoryOptions } from './log-directory-options.ts'
import type { Isolation } from './partition/partition-reader.ts'
import type { Partition } from './partition/partition.ts'

export const dataPath = '/data'

export interface BatchShape extends BatchStamp {
  readonly compression?: Compression
  /** Of the first record; each later one has a millisecond more. Default 0. */
  readonly timestamp?: number
}

/** A batch of one record per value. */
export function batchOf(values: readonly string[], shape: BatchShape = {}): Uint8Array {
  const { compression = 'none', timestamp = 0, ...stamp } = shape
  const builder = new BatchBuilder({ compression, initialBytes: 256 })
  for (const [n, value] of values.entries()) builder.append(timestamp + n, null, value)
  return builder.build(stamp)
}

export async function openDirectory(
  disk: Disk,
  options: Partial<LogDirectoryOptions> & { readonly clock?: Clock } = {},
): Promise<LogDirectory> {
  return LogDirectory.open(dataPath, { disk, clock: virtualClock(1_000_000), ...options })
}

/** What a consumer gets of a partition up to the readable end, filtered as every reader's fetches are. */
export async function shownOf(
  partition: Partition,
  isolation: Isolation = 'read_uncommitted',
  from: number = partition.logStartOffset,
  fetchBytes = 16_384,
): Promise<Shown[]> {
  const { topic, index } = partition
  const clock = virtualClock()
  const memory = new LentMemory({ lentBytesMax: fetchBytes, keptBytesMax: fetchBytes })
  const context = {
    clock,
    memory,
    unrecovered: () => undefined,
    partition: () => partition,
    closed: () => undefined,
  }
  const reader = new InProcessReader(context, { isolation, fetchBytes })
  reader.assign([{ topic, partition: index, offset: from }])
  try {
    return await drain(reader, topic, index)
  } finally {
    await reader.close()
  }
}

export async function valuesOf(partition: Partition, isolation?: Isolation): Promise<string[]> {
  return (await shownOf(partition, isolation)).map(({ value }) => value)
}

/** Every file of the data directory, by path. */
export async function filesOf(
  disk: Disk & { contentOf(path: string): Uint8Array | undefined },
  folder: string = dataPath,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`
    const content = disk.contentOf(path)
    if (content) files.set(path, content)
    else for (const [inner, bytes] of await filesOf(disk, path)) files.set(inner, bytes)
  }
  return files
}

/** The call, or the promise, fails with this code. */
export async function failsWith(code: ErrorCode, call: Promise<unknown> | (() => unknown)): Promise<void> {
  const check = (error: unknown): boolean => {
    if (isMillraceError(error, code)) return true
    throw new Error(`expected ${code}`, { cause: error })
  }
  if (typeof call === 'function') throws(call, check)
  else await rejects(call, check)
}
