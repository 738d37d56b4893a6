/**
 * Runs an app's tasks over several partitions without a log, and lets them crash. A commit keeps exactly what
 * a log would keep (offsets with their metadata, changelogs, outputs); a crash drops everything else.
 * Synchronous, so that thousands of runs take seconds.
 */
import { assert, fromLatin1, latin1 } from '../../src/base/index.ts'
import type { WritableTopic } from '../../src/schema/index.ts'
import { KeyedState, type KeyedStateOptions, type StateChange } from '../../src/state/index.ts'
import { type App, Metrics, SourcePartition, TaskGroup } from '../../src/stream/index.ts'
import { decodeNamespace } from '../../src/state/namespace.ts'
import { restoreEntry } from '../../src/state/restore-entry.test-support.ts'
import type { Plan, Stage } from '../../src/stream/plan/plan.ts'
import { sourceProgress } from '../../src/stream/task/committed-metadata.ts'
import { BatchBuilder, RecordBatch } from '../../src/wire/index.ts'

export interface InputRecord {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
}

export interface OutputRecord {
  readonly topic: string
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  readonly pane: string | undefined
}

interface CommittedOffset {
  readonly offset: number
  readonly metadata: string
}

/** What a commit in progress keeps. */
interface Commit {
  readonly changes: readonly (readonly [state: string, changes: readonly StateChange[]])[]
  readonly offsets: readonly (readonly [partition: string, CommittedOffset])[]
  readonly outputs: readonly OutputRecord[]
}

export class TaskHarness {
  /** The committed state. */
  readonly outputs: OutputRecord[] = []
  readonly inputs: Map<string, readonly InputRecord[][]>
  readonly #plan: Plan
  readonly #partitions = new Map<Stage, number>()
  readonly #changelogs = new Map<string, Map<string, Uint8Array>>()
  readonly #offsets = new Map<string, CommittedOffset>()
  readonly metrics: Metrics = new Metrics()
  readonly #rowsPerTurn: number
  readonly #state: KeyedStateOptions
  #now = 0
  #group!: TaskGroup
  #sources: SourcePartition[] = []
  #states: { id: string; state: KeyedState<unknown> }[] = []
  #uncommitted: OutputRecord[] = []
  #inProgress: Commit | undefined

  /**
   * `inputs`: per topic, per partition, the records in the order of the log. `state`: small limits of all
   * states, for example.
   */
  constructor(
    app: App,
    inputs: Map<string, readonly InputRecord[][]>,
    options: { readonly rowsPerTurn?: number; readonly state?: KeyedStateOptions } = {},
  ) {
    this.inputs = inputs
    this.#rowsPerTurn = options.rowsPerTurn ?? 2048
    this.#state = options.state ?? {}
    this.#plan = app.plan()
    for (const stage of this.#plan.stages) {
      const counts = [
        ...stage.sources.map(({ topic }) => inputs.get(topic.name)?.length ?? 0),
        ...stage.incoming.flatMap(({ exchange }) => exchange.partitions ?? []),
      ]
      this.#partitions.set(
        stage,
        counts[0] ?? Math.max(...stage.incoming.map(({ from }) => this.#partitions.get(from) ?? 0)),
      )
    }
    this.restart()
  }

  get sources(): readonly SourcePartition[] {
    return this.#sources
  }

  /** Sources with records left to read. */
  get open(): SourcePartition[] {
    return this.#sources.filter(source => source.position < (this.#records(source)?.length ?? 0))
  }

  /** Drops everything that is not committed, and starts again from the commit. */
  restart(): void {
    this.#sources = []
    this.#states = []
    this.#uncommitted = []
    this.#inProgress = undefined
    this.#group = new TaskGroup(
      this.#plan,
      stage => this.#partitions.get(stage) ?? 0,
      {
        metrics: this.metrics,
        monotonic: () => this.#now,
        now: () => this.#now,
        rowsPerTurn: () => this.#rowsPerTurn,
        state: (task, node, name, options) => {
          const id = `${node.name}-${name}-${task.partition}`
          const state = new KeyedState<unknown>(id, { ...options, ...this.#state })
          for (const [key, value] of this.#changelogs.get(id) ?? [])
            restoreEntry(state, fromLatin1(key), value)
          this.#states.push({ id, state })
          return state
        },
        output: (_task, { topic }, record) => {
          this.#uncommitted.push({
            topic: topic.name,
            key: record.key,
            value: record.value,
            timestamp: record.timestamp,
            pane: record.pane,
          })
        },
      },
      {},
    )
    for (const stage of this.#plan.stages) {
      const count = this.#partitions.get(stage) ?? 0
      for (let partition = 0; partition < count; partition += 1) {
        const task = this.#group.add(stage, partition, this.#restoredWatermark(stage, partition))
        for (const source of stage.sources) {
          const committed = this.#offsets.get(`${source.topic.name}-${partition}`)
          this.#sources.push(
            new SourcePartition(
              source,
              task,
              'fail',
              {
                now: () => 0,
                monotonic: () => 0,
                maxAheadMs: Number.POSITIVE_INFINITY,
                drop: () => {},
                deadLetter: () => {},
              },
              { offset: committed?.offset ?? 0, metadata: committed?.metadata },
            ),
          )
        }
      }
    }
    this.#group.restored(this.#group.all())
  }

  /** The committed rows of states whose names begin with the given text: `namespace key`. */
  rows(state: string): string[] {
    const found: string[] = []
    for (const [id, changelog] of this.#changelogs)
      if (id.startsWith(state))
        for (const key of changelog.keys()) found.push(`${decodeNamespace(key)} ${key.slice(8)}`)
    return found.sort()
  }

  /** The committed entries of all states: `state namespace key`. */
  entries(): string[] {
    const found: string[] = []
    for (const [id, changelog] of this.#changelogs)
      for (const key of changelog.keys()) found.push(`${id} ${decodeNamespace(key)} ${key.slice(8)}`)
    return found.sort()
  }

  /**
   * Processes up to `count` records of a partition as one batch. `between` is called wherever the event loop
   * would turn. It may commit, and returns whether to continue.
   */
  read(source: SourcePartition, count: number, between: () => boolean = () => true): void {
    const records = this.#records(source)?.slice(source.position, source.position + count) ?? []
    if (records.length === 0) return
    const batch = new BatchBuilder()
    const topic = this.#topicOf(source)
    for (const { key, value, timestamp } of records)
      batch.append(timestamp, bytesOf(topic.key.encode(key)), bytesOf(topic.value.encode(value)))
    // Work that a restart found incomplete precedes any record.
    if (!this.settle(between)) return
    const offset = source.position
    source.load({
      topic: source.topic,
      partition: source.partition,
      batch: new RecordBatch(batch.build({ baseOffset: offset })),
      firstOffset: offset,
      nextOffset: offset + records.length,
    })
    while (!source.run(1 + (count % 3))) if (!between()) return
    this.settle(between)
  }

  /** A source that has no more records is at the end of time. */
  endExhausted(between: () => boolean = () => true): void {
    for (const source of this.#sources)
      if (source.position >= (this.#records(source)?.length ?? 0)) source.end()
    this.settle(between)
  }

  /** Processing time passes. */
  tick(ms: number): void {
    this.#now += ms
    for (const task of this.#group.all()) while (task.time.tick(this.#now) <= this.#now);
  }

  /** False if `between` returned false. */
  settle(between: () => boolean = () => true): boolean {
    for (let turns = 0; !this.#group.advance(); turns += 1) {
      assert(turns < 100_000, 'time comes to rest')
      if (!between()) return false
    }
    return true
  }

  /** Also during firing. */
  commit(): void {
    this.beginCommit()
    this.endCommit()
  }

  /** What comes until {@link endCommit} belongs to the next commit. A restart in between drops both. */
  beginCommit(): void {
    this.#group.suspend()
    const changes = this.#states.map(({ id, state }) => [id, state.changes()] as const)
    const offsets = this.#sources.map(source => {
      const at = { offset: source.position, metadata: source.metadata() }
      return [`${source.topic}-${source.partition}`, at] as const
    })
    this.#inProgress = { changes, offsets, outputs: this.#uncommitted.splice(0) }
  }

  endCommit(): void {
    assert(this.#inProgress, 'a commit has begun')
    const { changes, offsets, outputs } = this.#inProgress
    this.#inProgress = undefined
    for (const [id, ofState] of changes) {
      const changelog = this.#changelogs.get(id) ?? new Map<string, Uint8Array>()
      this.#changelogs.set(id, changelog)
      for (const [key, value] of ofState)
        if (value) changelog.set(latin1(key), Uint8Array.from(value))
        else changelog.delete(latin1(key))
    }
    for (const { state } of this.#states) state.committed(0)
    for (const [partition, at] of offsets) this.#offsets.set(partition, at)
    this.outputs.push(...outputs)
  }

  /** The last committed value per key of an output topic, with its timestamp, without deleted keys. */
  table(topic: string): Map<string, readonly [value: unknown, timestamp: number]> {
    const rows = new Map<string, readonly [unknown, number]>()
    for (const output of this.outputs) {
      if (output.topic !== topic) continue
      const key = JSON.stringify(output.key)
      if (output.value === null) rows.delete(key)
      else rows.set(key, [output.value, output.timestamp])
    }
    return rows
  }

  #restoredWatermark(stage: Stage, partition: number): number {
    let watermark = Number.POSITIVE_INFINITY
    for (const source of stage.sources)
      watermark = Math.min(
        watermark,
        sourceProgress(source, this.#offsets.get(`${source.topic.name}-${partition}`)?.metadata).watermark,
      )
    for (const { from } of stage.incoming)
      for (let n = 0; n < (this.#partitions.get(from) ?? 0); n += 1)
        watermark = Math.min(watermark, this.#group.task(from, n)?.time.watermark ?? Number.NEGATIVE_INFINITY)
    return watermark
  }

  #records({ topic, partition }: SourcePartition): readonly InputRecord[] | undefined {
    return this.inputs.get(topic)?.[partition]
  }

  #topicOf(source: SourcePartition): WritableTopic<unknown, unknown> {
    for (const stage of this.#plan.stages)
      for (const { topic } of stage.sources) if (topic.name === source.topic) return topic
    throw new Error(`no topic ${source.topic}`)
  }
}

function bytesOf(encoded: string | Uint8Array | null): Uint8Array | null {
  return typeof encoded === 'string' ? Buffer.from(encoded) : encoded
}
