/**
 * Drives an app without disk, clock or log: a test pushes records in, and reads results at once. The page is
 * docs/testing.md.
 *
 * Everything runs synchronously in one task per stage, through the same operators, codecs, watermarks and
 * exchanges as in production. It leaves out what a log adds: several partitions, commits, restarts, idleness.
 * A topic that the app both writes and reads is two topics here: its output does not go in again.
 */
import { assert, checkOptions, inWords, MillraceError, utf8 } from '../base/index.ts'
import { encodedHeaders, type OutgoingHeader } from '../port/index.ts'
import {
  checkPolicy,
  checkTopic,
  type ErrorPolicy,
  Malformed,
  type Slices,
  type Topic,
  type WritableTopic,
} from '../schema/index.ts'
import { KeyedState, UndoLog } from '../state/index.ts'
import {
  App,
  Metrics,
  type Pane,
  failsAlways,
  GlobalTableRows,
  policyOf,
  settleFailedResult,
  SourcePartition,
  TaskGroup,
} from '../stream/index.ts'
import { BatchBuilder, RecordBatch, type RecordHeader } from '../wire/index.ts'

/** A record that goes in. */
export interface TestRecord<K, V> {
  /** Left out where the topic has none. */
  readonly key?: K
  /** Null deletes the key if the app reads the topic as a table. */
  readonly value: V | null
  /**
   * Ms since the epoch. Default: the wall clock of the test, which is 0 until {@link
   * TestApp.advanceWallClock}. If the topic has a `timestamp` function, that function gives the event time.
   */
  readonly timestamp?: number
  /** Text is written as UTF-8. */
  readonly headers?: readonly OutgoingHeader[]
}

/** A record that came out, as a reader of the topic would see it. */
export interface TestResult<K, V> {
  readonly key: K
  /** Null if the app deletes the key. */
  readonly value: V | null
  /** Ms since the epoch. */
  readonly timestamp: number
  /** The pane of a window's result: `'early'`, `'on-time'`, or a correction (`'late'`). */
  readonly pane?: Pane
  /** Its own headers, if it has some. */
  readonly headers?: readonly RecordHeader[]
}

/** A dead letter, under the policy `{ deadLetter: 'a-topic' }`. */
export interface TestDeadLetter {
  /** The topic of dead letters. */
  readonly to: string
  /** The topic of the record; for a result, the operator that made it. */
  readonly topic: string
  /** The original bytes, as text. */
  readonly key: string | null
  /** As {@link key}. */
  readonly value: string | null
  /** Why the record was refused. */
  readonly reason: string
}

/** A topic that the app reads, under test. */
export interface TestInput<K, V> {
  /**
   * Pushes the records one after the other through the whole app. Their timestamps move the watermark as in
   * production.
   * @throws MillraceError MALFORMED_RECORD, USER_FUNCTION_FAILED under the policy `'fail'`, which is the
   *   default
   */
  push(...records: readonly TestRecord<K, V>[]): void
}

/** A topic that the app writes, under test. */
export interface TestOutput<K, V> {
  /** The results since the last call, in order. */
  read(): TestResult<K, V>[]
}

/** How an app is tested. */
export interface TestAppOptions {
  /** The policy for topics without their own, as in the options of `run`. Default `'fail'`. */
  readonly onError?: ErrorPolicy
}

/** An app under test: see {@link testApp}. */
export interface TestApp {
  /**
   * A topic that the app reads, found by its name. The given topic encodes the records. So a topic of that
   * name with another schema, such as `bytes()`, can push records that the app's schema refuses.
   * @throws MillraceError UNKNOWN_TOPIC for one that the app does not read
   */
  input<K, V>(topic: Topic<K, V, never, never>): TestInput<K, V>
  /**
   * A topic that the app writes.
   * @throws MillraceError UNKNOWN_TOPIC for one that the app does not write
   */
  output<K, V>(topic: Topic<K, V, never, never>): TestOutput<K, V>
  /** The dead letters since the last call. */
  deadLetters(): TestDeadLetter[]
  /**
   * Moves the watermark of every input to `timestamp` (ms since the epoch; it never goes back), as if records
   * had come that promise it. Windows that end there or before are closed. `Infinity` is the end of time, as
   * at the end of `run({ until: 'end' })`.
   * @throws MillraceError USER_FUNCTION_FAILED under the policy `'fail'`
   */
  advanceTime(timestamp: number): void
  /** Advances processing time by so many ms: early results come. */
  advanceWallClock(ms: number): void
  /**
   * Resolves when all calls of `mapAsync` have been answered, and their results are processed. A call that
   * has failed is repeated only once {@link advanceWallClock} has let its time pass.
   * @throws MillraceError USER_FUNCTION_FAILED under the policy `'fail'`
   */
  settled(): Promise<void>
  /** The counts so far: records, results by pane, dropped records by reason. */
  readonly metrics: Metrics
}

/**
 * Puts an app under test. The app is the very one that runs in production; nothing is created or contacted.
 *
 * @example
 * const test = testApp(app)
 * test.input(flights).push({ key: 'DFW', value: { destination: 'ORD', delay: 42 }, timestamp: 0 })
 * test.advanceTime(Infinity)
 * deepEqual(test.output(delaysByHour).read(), [{ key: …, value: …, timestamp: … }])
 */
export function testApp(app: App, options: TestAppOptions = {}): TestApp {
  if (!(app instanceof App)) throw wrong('testApp', 'an app, as createApp makes one', app)
  checkOptions('testApp', options, { onError: 'any' })
  if (options.onError !== undefined) checkPolicy(options.onError, 'testApp')
  const plan = app.plan()
  const metrics = new Metrics()
  const results = new Map<string, TestResult<unknown, unknown>[]>()
  let deadLetters: TestDeadLetter[] = []
  let now = 0
  let wakeUp = (): void => {}
  const { onError = 'fail' } = options
  const undo = failsAlways(plan, onError) ? undefined : new UndoLog()
  const group = new TaskGroup(
    plan,
    () => 1,
    {
      metrics,
      monotonic: () => now,
      now: () => now,
      wake: () => wakeUp(),
      state: (_task, node, name, use) => new KeyedState<unknown>(`${node.name}-${name}`, { ...use, undo }),
      undo,
      global: topic => globals.get(topic)!,
      failed: (task, operator, record, error) =>
        settleFailedResult(onError, environmentOf(operator.name), task, operator, record, error),
      output: (_task, { topic }, record) => {
        const written = {
          key: throughTheLog(topic, 'key', record.key ?? null),
          value: throughTheLog(topic, 'value', record.value ?? null),
          timestamp: record.timestamp,
          ...(record.pane && { pane: record.pane }),
          ...(record.headers.length > 0 && { headers: record.headers }),
        }
        if (undo) undo.act(() => resultsOf(topic.name).push(written))
        else resultsOf(topic.name).push(written)
      },
    },
    {},
  )
  const globals = new Map<string, GlobalTableRows>()
  for (const topic of plan.globals)
    globals.set(
      topic.name,
      new GlobalTableRows(topic, topic.onError ?? onError, reason => (metrics.dropped[reason] += 1)),
    )
  const sources = new Map<string, SourcePartition>()
  for (const stage of plan.stages) {
    const task = group.add(stage, 0, Number.NEGATIVE_INFINITY)
    for (const source of stage.sources) {
      const { name } = source.topic
      const policy = policyOf(source, onError)
      sources.set(name, new SourcePartition(source, task, policy, environmentOf(name), { offset: 0 }))
    }
    for (const node of stage.nodes) if (node.kind === 'sink') resultsOf(node.topic.name)
  }
  /** For a record of a topic, or a result of an operator. */
  function environmentOf(topic: string): ConstructorParameters<typeof SourcePartition>[3] {
    return {
      now: () => now,
      maxAheadMs: Number.POSITIVE_INFINITY,
      monotonic: () => now,
      drop: reason => {
        metrics.dropped[reason] += 1
      },
      deadLetter: ({ to, key, value, reason }) => {
        metrics.deadLetters += 1
        deadLetters.push({ to, topic, key: key && utf8(key), value: value && utf8(value), reason })
      },
    }
  }
  const settle = (): void => {
    for (let turns = 0; !group.advance(); turns += 1) assert(turns < 1_000_000, 'time comes to rest')
  }
  const tick = (): void => {
    for (const task of group.all()) while (task.time.tick(now) <= now);
    settle()
  }
  // Operators look at their state, which is empty.
  tick()

  function resultsOf(name: string): TestResult<unknown, unknown>[] {
    const known = results.get(name) ?? []
    results.set(name, known)
    return known
  }

  return {
    metrics,
    input: topic => {
      checkTopic('input', topic)
      const source = sources.get(topic.name)
      const table = globals.get(topic.name)
      if (!source && !table)
        throw new MillraceError(
          'UNKNOWN_TOPIC',
          `The app '${app.name}' does not read topic '${topic.name}'; it reads: ${[...sources.keys(), ...globals.keys()].join(', ')}.`,
        )
      return {
        push(...records) {
          for (const record of records) checkRecord(topic.name, record)
          for (const record of records) {
            const batch = new BatchBuilder({ initialBytes: 512 })
            const timestamp = record.timestamp ?? now
            batch.append(
              timestamp,
              bytesOf(topic.key.encode((record.key ?? null) as never)),
              bytesOf(topic.value.encode(record.value as never)),
              encodedHeaders(
                record.headers ?? [],
                reason =>
                  new MillraceError(
                    'INVALID_ARGUMENT',
                    `The headers of a record of '${topic.name}': ${reason}.`,
                  ),
              ),
            )
            const offset = source?.position ?? 0
            const fetched = {
              topic: topic.name,
              partition: 0,
              batch: new RecordBatch(batch.build({ baseOffset: offset })),
              firstOffset: offset,
              nextOffset: offset + 1,
            }
            table?.apply(fetched)
            if (!source) continue
            source.load(fetched)
            while (!source.run(1)) settle()
            metrics.records += 1
            settle()
          }
        },
      }
    },
    output: topic => {
      checkTopic('output', topic)
      const known = results.get(topic.name)
      if (!known)
        throw new MillraceError(
          'UNKNOWN_TOPIC',
          `The app '${app.name}' does not write to topic '${topic.name}'; it writes to: ${[...results.keys()].join(', ')}.`,
        )
      return { read: () => known.splice(0) as never }
    },
    deadLetters() {
      const letters = deadLetters
      deadLetters = []
      return letters
    },
    advanceTime(timestamp) {
      if (typeof timestamp !== 'number' || Number.isNaN(timestamp))
        throw wrong('advanceTime', 'ms since the epoch, or Infinity', timestamp)
      for (const source of sources.values()) source.advanceTo(timestamp)
      settle()
    },
    advanceWallClock(ms) {
      if (!(Number.isFinite(ms) && ms >= 0)) throw wrong('advanceWallClock', 'a number of ms, 0 or more', ms)
      now += ms
      tick()
    },
    async settled() {
      for (;;) {
        const woken = new Promise<void>(resolve => {
          wakeUp = resolve
        })
        tick()
        if (!Array.from(group.all()).some(({ time }) => time.isHeld)) return
        await woken
      }
    },
  }
}

function checkRecord(topic: string, record: TestRecord<unknown, unknown>): void {
  const what = `a record of '${topic}'`
  if (typeof record !== 'object' || record === null)
    throw wrong('push', 'records { key, value, timestamp }', record)
  checkOptions(what, record, { key: 'any', value: 'any', timestamp: wholeMs, headers: 'any' })
  if (record.value === undefined)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The value of ${what} is missing. Pass null to delete the key.`,
    )
}

/** A timestamp that a log can hold; which ones an app takes is its own business. */
function wholeMs(value: unknown): string | undefined {
  return Number.isSafeInteger(value) ? undefined : 'whole ms since the epoch'
}

function wrong(method: string, expected: string, given: unknown): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', `${method} needs ${expected}, got ${inWords(given)}.`)
}

/** The record as a reader of the topic would get it: encoded, validated and decoded. */
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
