/**
 * Drives an app without disk, clock or log: records go in by hand, results come out at once.
 *
 * Everything runs synchronously in one task per stage, through the same operators, codecs and watermarks as in production. What it leaves out is
 * what a log adds: partitions, commits, restarts.
 *
 * @example
 * const test = testApp(app)
 * test.input(flights).push({ key: 'DFW', value: { destination: 'ORD', delay: 42 }, timestamp: 0 })
 * test.advanceTime(Infinity)
 * deepEqual(test.output(delaysByHour).read(), [{ key: …, value: …, timestamp: … }])
 */
import { assert, MillraceError } from '../base/index.ts'
import { Malformed, type Slices, type Topic, type WritableTopic } from '../schema/index.ts'
import { KeyedState, memoryStore } from '../state/index.ts'
import { type App, Metrics, type Pane, SourcePartition, TaskGroup } from '../stream/index.ts'
import { BatchBuilder, RecordBatch } from '../wire/index.ts'

/** A record that goes in. */
export interface TestRecord<K, V> {
  readonly key?: K
  readonly value: V | null
  /** In ms since the epoch. Default: the wall clock of the test, see {@link TestApp.advanceWallClock}. */
  readonly timestamp?: number
}

/** A record that came out, as a reader of the topic would see it. */
export interface TestResult<K, V> {
  readonly key: K
  readonly value: V | null
  readonly timestamp: number
  /** When a window's result came. */
  readonly pane?: Pane
}

export interface TestInput<K, V> {
  push(...records: readonly TestRecord<K, V>[]): void
}

export interface TestOutput<K, V> {
  /** What has come since the last call. */
  read(): TestResult<K, V>[]
}

export interface TestApp {
  input<K, V>(topic: Topic<K, V, never, never>): TestInput<K, V>
  output<K, V>(topic: Topic<K, V, never, never>): TestOutput<K, V>
  /** Moves the watermark of every input to `timestamp` (`Infinity`: the end of time), as records after it would. */
  advanceTime(timestamp: number): void
  /** Moves processing time on: early results come. */
  advanceWallClock(ms: number): void
  readonly metrics: Metrics
}

/**
 * @throws MillraceError UNKNOWN_TOPIC for a topic that the app does not read or write; what a record that cannot be processed fails with
 */
export function testApp(app: App): TestApp {
  const plan = app.plan()
  const metrics = new Metrics()
  const results = new Map<string, { key: unknown; value: unknown; timestamp: number; pane?: Pane }[]>()
  let now = 0
  const group = new TaskGroup(
    plan,
    () => 1,
    {
      metrics,
      monotonic: () => now,
      state: (_task, node, name) => new KeyedState<unknown>(`${node.name}-${name}`, memoryStore()),
      output: (_task, { topic }, record) => {
        const written = {
          key: throughTheLog(topic, 'key', record.key ?? null),
          value: throughTheLog(topic, 'value', record.value ?? null),
          timestamp: record.timestamp,
          ...(record.pane && { pane: record.pane }),
        }
        resultsOf(topic.name).push(written)
      },
    },
    {},
  )
  const sources = new Map<string, SourcePartition>()
  for (const stage of plan.stages) {
    const task = group.add(stage, 0, Number.NEGATIVE_INFINITY)
    for (const source of stage.sources) {
      const environment = {
        now: () => now,
        monotonic: () => now,
        drop: (reason: 'malformed' | 'failed') => {
          metrics.dropped[reason] += 1
        },
        deadLetter: () => {
          metrics.deadLetters += 1
        },
      }
      const policy = source.topic.onError ?? 'fail'
      sources.set(source.topic.name, new SourcePartition(source, task, policy, environment, { offset: 0 }))
    }
    for (const node of stage.nodes) if (node.kind === 'sink') resultsOf(node.topic.name)
  }
  const settle = (): void => {
    for (let turns = 0; !group.advance(); turns += 1) assert(turns < 1_000_000, 'time comes to rest')
  }

  function resultsOf(name: string): { key: unknown; value: unknown; timestamp: number; pane?: Pane }[] {
    const known = results.get(name) ?? []
    results.set(name, known)
    return known
  }

  return {
    metrics,
    input: topic => {
      const source = sources.get(topic.name)
      if (!source)
        throw new MillraceError(
          'UNKNOWN_TOPIC',
          `The app '${app.name}' does not read topic '${topic.name}'; it reads: ${[...sources.keys()].join(', ')}.`,
        )
      return {
        push(...records) {
          for (const record of records) {
            const batch = new BatchBuilder({ initialBytes: 512 })
            const timestamp = record.timestamp ?? now
            batch.append(
              timestamp,
              bytesOf(topic.key.encode((record.key ?? null) as never)),
              bytesOf(topic.value.encode(record.value as never)),
            )
            const offset = source.position
            source.load({
              topic: topic.name,
              partition: 0,
              batch: new RecordBatch(batch.build({ baseOffset: offset })),
              firstOffset: offset,
              nextOffset: offset + 1,
            })
            while (!source.run(1)) settle()
            metrics.records += 1
            settle()
          }
        },
      }
    },
    output: topic => {
      const known = results.get(topic.name)
      if (!known)
        throw new MillraceError(
          'UNKNOWN_TOPIC',
          `The app '${app.name}' does not write to topic '${topic.name}'; it writes to: ${[...results.keys()].join(', ')}.`,
        )
      return { read: () => known.splice(0) as never }
    },
    advanceTime(timestamp) {
      for (const source of sources.values()) source.watermark = Math.max(source.watermark, timestamp)
      settle()
    },
    advanceWallClock(ms) {
      now += ms
      for (const task of group.all()) task.tick(now)
      settle()
    },
  }
}

/** What a reader of the topic would get: encoded, validated and decoded. */
function throughTheLog(
  topic: WritableTopic<unknown, unknown>,
  part: 'key' | 'value',
  value: unknown,
): unknown {
  const codec = topic[part]
  const bytes = bytesOf(codec.encode(value))
  if (bytes === null) return null
  const slices: Slices = { bytes, count: 1, starts: Int32Array.of(0), ends: Int32Array.of(bytes.length) }
  const into: unknown[] = []
  codec.serde.decode(slices, into)
  const [decoded] = into
  assert(!(decoded instanceof Malformed), 'what was encoded can be decoded')
  return decoded
}

function bytesOf(encoded: string | Uint8Array | null): Uint8Array | null {
  return typeof encoded === 'string' ? Buffer.from(encoded) : encoded
}
