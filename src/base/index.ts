/**
 * base, which every layer uses: errors, assertions, bytes and numbers, and the seams for time, chance, files
 * and sockets.
 */
export { ActiveClock } from './active-clock.ts'
export { assert, unreachable } from './assert.ts'
export {
  binaryString,
  bufferOf,
  fromLatin1,
  fromUtf8,
  latin1,
  utf8,
  utf8OfBinary,
  writeAscii,
} from './bytes.ts'
export { systemClock, type Clock, type Timer } from './clock.ts'
export {
  compress,
  compressionId,
  compressionOf,
  compressions,
  decompress,
  type Compression,
} from './compression.ts'
export { crc32c } from './crc32c.ts'
export { type Disk, type DiskFile, type DiskSpace, type DiskStat } from './disk.ts'
export { durationInWords, durationMs, type Duration } from './duration.ts'
export { isMillraceError, MillraceError, type ErrorCode } from './errors.ts'
export { systemCode } from './system-code.ts'
export { SerialQueue } from './serial-queue.ts'
export { murmur2OfBinary, partitionFor, partitionForBinary } from './murmur2.ts'
export {
  connectTimeoutMsDefault,
  loopback,
  netError,
  type ConnectOptions,
  type Connection,
  type Listener,
  type Net,
  type NetAddress,
  type Receiver,
} from './net.ts'
export { ChunkReader } from './chunk-reader.ts'
export { Latch } from './latch.ts'
export { freshMemory, LentMemory, type Lender } from './lent-memory.ts'
export { MemoryDisk, type MemoryDiskOptions } from './memory-disk.ts'
export { nodeDisk } from './node-disk.ts'
export { nodeNet } from './node-net.ts'
export { inParallel } from './in-parallel.ts'
export { inWords, messageOf, thrownInWords } from './in-words.ts'
export { elementsOf, endOfString, membersOf } from './json-text.ts'
export { checkOption, checkOptions, nearestName, type OptionKind } from './options.ts'
export { Outcome } from './outcome.ts'
export { seededRandom, systemRandom, type Random } from './random.ts'
export { firstWhere } from './search.ts'
export { checkTopicName, isTopicName, partitionsMax } from './topic-name.ts'
export { randomUuid } from './uuid.ts'
export { readVarint, readVarlong, sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'
export { propertyName } from './property-name.ts'
export { wholeNumberAt, wholeNumberOf } from './whole-number.ts'
