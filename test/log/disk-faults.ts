/**
 * Every call to the disk in the life of a log fails once, in every way: with EIO, ENOSPC, EMFILE, or a short
 * read or write; one time or from then on. The log keeps its word: what it acknowledged or showed is there
 * after a restart, what it refused is not, and nothing else shows. Compaction removes no record without a
 * later one of its key.
 */
import assert from 'node:assert/strict'
import { isMillraceError, seededRandom, type ErrorCode, type MillraceError } from '../../src/base/index.ts'
import {
  settingsDefault,
  type Isolation,
  type LogDirectory,
  type Partition,
  type PartitionSettings,
} from '../../src/log/index.ts'
import { batchOf, openDirectory, valuesOf } from '../../src/log/log.test-support.ts'
import { SimulatedDisk, type PlannedFailure } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { BatchBuilder, type BatchStamp } from '../../src/wire/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { soak } from '../scale.ts'

/** A short run fails every third call; each kind of fault begins with another call. */
const stepOfShortRun = 3
/** How often a call that may succeed later is retried. */
const triesMax = 3
const producer = { producerId: 5, producerEpoch: 0 }
const topics = ['flights', 'alerts'] as const
type TopicName = (typeof topics)[number]

/** Retention drops old records of alerts, and compaction those of flights. */
const isCompacted = (topic: string): boolean => topic === 'flights'

/** Values of one key begin with the same word. */
const keyOf = (value: string): string => /^\w+/.exec(value)![0]

function recordOf(topic: string, value: string, stamp: BatchStamp): Uint8Array {
  const builder = new BatchBuilder({ initialBytes: 256 })
  builder.append(0, isCompacted(topic) ? keyOf(value) : null, value)
  return builder.build(stamp)
}

/** What is known of a value: `refused` must not be there, `safe` must; of `unknown` nothing was reported. */
type Fate = 'unknown' | 'refused' | 'safe'

/** The expected content of a partition: every value that was ever sent, in order. */
class Expected {
  readonly fates = new Map<string, Fate>()
  readonly aborted = new Set<string>()

  /**
   * Checks what a reader was shown; from now on it is safe. In a compacted topic a later value of its key
   * replaces a value; in the other one only values after the first one shown must be there.
   */
  check(shown: readonly string[], isolation: Isolation, topic: TopicName): void {
    const tried = [...this.fates.keys()]
    const places = shown.map(value => tried.indexOf(value))
    for (const [n, place] of places.entries())
      assert(place > (places[n - 1] ?? -1), `${shown[n]} was never tried, comes twice, or too late`)
    const first = isCompacted(topic) ? 0 : (places[0] ?? tried.length)
    const isReplaced = (value: string, place: number): boolean =>
      isCompacted(topic) &&
      (this.aborted.has(value) ||
        shown.some(
          (later, n) => places[n]! > place && keyOf(later) === keyOf(value) && !this.aborted.has(later),
        ))
    const isHidden = (value: string): boolean => isolation === 'read_committed' && this.aborted.has(value)
    for (const [place, [value, fate]] of [...this.fates].entries()) {
      if (places.includes(place)) {
        assert.notEqual(fate, 'refused', `${value} was refused, and is shown`)
        assert(!isHidden(value), `${value} was aborted, and is shown`)
        this.fates.set(value, 'safe')
      } else
        assert(
          fate !== 'safe' || place < first || isHidden(value) || isReplaced(value, place),
          `${value} is lost`,
        )
    }
  }
}

/** A program that uses a log, and retries what may succeed later. */
class Life {
  readonly disk: SimulatedDisk
  /** Every error that the program got. */
  readonly failures: MillraceError[] = []
  readonly fatal: MillraceError[] = []
  log: LogDirectory | undefined
  /** Of compaction. */
  passes = 0
  readonly #clock = virtualClock(1_000_000)
  readonly #expected = { flights: new Expected(), alerts: new Expected() }
  /** Values of the open transaction. */
  #transaction: string[] = []
  #tries = 0

  constructor(disk: SimulatedDisk) {
    this.disk = disk
  }

  /**
   * Opens, creates, appends, rolls, commits, aborts, drops, checkpoints, reads, compacts, closes, and opens
   * again. Ends at the first step that fails.
   */
  async live(): Promise<void> {
    await this.open()
    for (const topic of topics) await this.#try(() => this.#create(topic))
    for (let n = 0; n < 4; n += 1) {
      await this.#append('flights', `plain-${n}`)
      await this.#append('alerts', `alert-${n}-${'x'.repeat(100)}`)
    }
    for (const baseSequence of [0, 1]) await this.#append('flights', 'own', { ...producer, baseSequence })
    for (const [n, type] of (['commit', 'abort'] as const).entries()) {
      const value = `own-${type}-${'x'.repeat(150)}`
      await this.#append('flights', value, { ...producer, baseSequence: 2 + n, transactional: true })
      await this.#try(() => this.#end(type, producer))
    }
    await this.#clock.advance(6000)
    await this.read()
    await Promise.all([this.#append('flights', 'beside-1'), this.#append('flights', 'beside-2')])
    await this.#compact()
    await this.read()
    await this.close()
    await this.open()
    await this.read()
    for (let n = 0; n < 3; n += 1) await this.#append('alerts', `late-${n}-${'x'.repeat(120)}`)
    await this.#append('flights', 'last')
    await this.close()
  }

  async open(): Promise<void> {
    const onFatal = (error: MillraceError): void => void this.fatal.push(error)
    const options = { clock: this.#clock, indexIntervalBytes: 100, retentionCheckIntervalMs: 3000, onFatal }
    await this.#try(async () => {
      this.log = await openDirectory(this.disk.session(), options)
      for (const partition of this.log.partitions()) partition.configure(this.#settings(partition.topic))
    })
  }

  async close(): Promise<void> {
    const { log } = this
    this.log = undefined
    // Whatever close() returns, the log is closed.
    await log?.close().catch((error: unknown) => this.note(error))
  }

  async read(): Promise<void> {
    for (const topic of topics)
      for (const isolation of ['read_uncommitted', 'read_committed'] as const) {
        const shown = await this.#try(() => valuesOf(this.#partition(topic), isolation))
        this.#expected[topic].check(shown, isolation, topic)
      }
  }

  /**
   * The disk works again: everything continues, after the steps that a broker takes with transactions that
   * were left open.
   */
  async goOn(value: string): Promise<void> {
    for (const topic of topics) {
      const partition = this.log!.partition(topic, 0) ?? (await this.#create(topic))
      for (const open of partition.openTransactions) await this.#end('abort', open)
      await this.#append(topic, value)
      assert.equal(partition.lastStableOffset, partition.logEndOffset, 'nothing holds the last stable offset')
    }
    await this.read()
  }

  /**
   * A partition whose disk failed accepts no more records, even if the disk works again, and the process was
   * told to end.
   */
  checkPoisoned(): void {
    const poisoned = this.failures.some(({ code }) => code === 'PARTITION_POISONED')
    assert(!poisoned || this.fatal.length > 0, 'the process is told')
    for (const partition of this.log?.partitions() ?? [])
      if (partition.failure)
        assert.throws(() => partition.append(batchOf(['x'])), { code: 'PARTITION_POISONED' })
  }

  /** A program can handle only millrace's own errors. */
  note(error: unknown): void {
    if (!isMillraceError(error)) throw error
    this.failures.push(error)
  }

  #create(topic: TopicName): Promise<Partition> {
    return this.log!.createPartition(topic, 0, {}, this.#settings(topic))
  }

  #settings(topic: string): PartitionSettings {
    return { ...settingsDefault, segmentBytes: 400, retentionBytes: topic === 'alerts' ? 500 : -1 }
  }

  async #compact(): Promise<void> {
    if (await this.#try(() => this.#partition('flights').compaction.clean())) this.passes += 1
  }

  async #append(topic: TopicName, name: string, stamp: BatchStamp = {}): Promise<void> {
    const { fates } = this.#expected[topic]
    await this.#try(async () => {
      const value = `${name}#${(this.#tries += 1)}`
      fates.set(value, 'unknown')
      if (stamp.transactional) this.#transaction.push(value)
      try {
        const receipt = this.#partition(topic).append(recordOf(topic, value, stamp))
        await (stamp.transactional ? receipt.written : receipt.durable)
        if (!stamp.transactional) fates.set(value, 'safe')
      } catch (error) {
        if (isMillraceError(error) && error.retriable) fates.set(value, 'refused')
        throw error
      }
    })
  }

  async #end(type: 'commit' | 'abort', { producerId, producerEpoch }: typeof producer): Promise<void> {
    const { fates, aborted } = this.#expected.flights
    if (type === 'abort') for (const value of this.#transaction) aborted.add(value)
    const marker = { type, producerId, producerEpoch, coordinatorEpoch: 0 }
    await this.#partition('flights').appendMarker(marker).durable
    for (const value of this.#transaction) if (fates.get(value) === 'unknown') fates.set(value, 'safe')
    this.#transaction = []
  }

  #partition(topic: TopicName): Partition {
    const partition = this.log!.partition(topic, 0)
    assert(partition, 'what was created is there')
    return partition
  }

  async #try<T>(action: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1)
      try {
        return await action()
      } catch (error) {
        this.note(error)
        if (!isMillraceError(error) || !error.retriable || tries === triesMax) throw error
      }
  }
}

/**
 * Errors that a program may get. A sync that failed is final, whatever the system's error code. EMFILE is
 * never treated as damage, and causes no error if a descriptor becomes free.
 */
const kinds: readonly PlannedFailure['kind'][] = ['EIO', 'ENOSPC', 'short', 'EMFILE']
const codes: Record<PlannedFailure['kind'], readonly ErrorCode[]> = {
  EIO: ['DISK_FAILED', 'PARTITION_POISONED'],
  ENOSPC: ['DISK_FULL', 'PARTITION_POISONED'],
  short: ['DISK_FULL'],
  EMFILE: ['LIMIT_EXCEEDED', 'PARTITION_POISONED'],
}

async function check(failure: PlannedFailure, end: 'kill' | 'crash', seed: number): Promise<void> {
  const life = new Life(new SimulatedDisk({ random: seededRandom(seed * 1000 + failure.call) }))
  life.disk.failCall(failure)
  let wasCutShort = false
  try {
    await life.live()
  } catch (error) {
    if (!isMillraceError(error)) throw error
    wasCutShort = true
  }
  life.disk.clearFailures()
  for (const error of life.failures)
    assert(codes[failure.kind].includes(error.code), `${error.code}: ${error.message}`)
  if (failure.kind === 'EMFILE' && failure.times === 'once') assert.deepEqual(life.failures, [])

  // The same process continues if no failure was final.
  const isFinal = life.failures.some(({ retriable }) => !retriable)
  if (isFinal) life.checkPoisoned()
  else {
    if (!life.log) await life.open()
    await life.goOn('room again')
  }

  // Another process finds everything.
  life.disk[end]()
  await life.open()
  if (failure.kind === 'EIO')
    assert(
      wasCutShort || life.failures.length + life.fatal.length > 0 || !life.log!.recovery.clean,
      'noticed',
    )
  for (const { damage } of life.log!.recovery.partitions) assert.equal(damage, undefined)
  await life.goOn('restarted')
  await life.close()
  await life.open()
  assert(life.log!.recovery.clean)
  await life.read()
  await life.close()
}

/** Fails each call of a life in turn. */
export function checkEach(kind: PlannedFailure['kind']): Promise<void> {
  return forSeeds(1, (_, seed) => checkWith(seed, kind))
}

async function checkWith(seed: number, kind: PlannedFailure['kind']): Promise<void> {
  const sound = new Life(new SimulatedDisk())
  await sound.live()
  assert.deepEqual(sound.failures, [])
  assert.equal(sound.passes, 1)
  const { calls } = sound.disk
  assert(calls > 150, 'there is something to fail')
  const step = soak ? 1 : stepOfShortRun
  for (let call = 1 + (kinds.indexOf(kind) % step); call <= calls; call += step)
    for (const times of ['once', 'forever'] as const) {
      const ends = soak
        ? (['kill', 'crash'] as const)
        : [call % 2 === 0 ? ('kill' as const) : ('crash' as const)]
      for (const end of ends)
        try {
          await check({ call, kind, times }, end, seed)
        } catch (error) {
          throw new Error(`${kind} at call ${call}, ${times}, then ${end}`, { cause: error })
        }
    }
}
