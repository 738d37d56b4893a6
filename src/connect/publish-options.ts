/** The options of `publish`: their types, the check of their names and kinds, and their defaults. */
import { durationMs, systemClock, type Clock, type Duration, type OptionKind } from '../base/index.ts'
import type { ErrorPolicy, WritableTopic } from '../schema/index.ts'
import type { ConnectObserver } from './observer.ts'
import { resumeBytesKind } from './resume-state.ts'
import { resumeStateBytesMax, type Source } from './source.ts'

/** A topic to publish to; any that `topic()` declares is one. */
export type PublishTopic<K, V> = WritableTopic<K, V> & {
  readonly timestamp?: ((value: V) => number) | 'arrival' | undefined
}

export interface CommonOptions<R> {
  /** Event time of a row in ms since the epoch. Default: the topic's `timestamp`, or else the wall clock. */
  readonly timestamp?: (row: R) => number
  /**
   * What to do with a row that the source cannot read, that the topic's schema refuses, or that one of these
   * functions throws at. Default `fail`: the run ends, and nothing past the last commit is published. Dead
   * letters are written in the transaction of their neighbours: exactly once.
   */
  readonly onError?: ErrorPolicy
  /** Where the connector's state is kept. Default: the source's name and the topic's. */
  readonly name?: string
  /** Commits at least this often while there are rows. Default 1 s. */
  readonly commitInterval?: Duration
  /** Commits when about this much is published since the last one. Default 32 MiB. */
  readonly commitBytes?: number
  /**
   * What the source's resume state may take as JSON text, in bytes. Default, and most: 32,767, which the
   * format of an offset holds. A Kafka cluster takes 4096 unless its `offset.metadata.max.bytes` says more.
   */
  readonly resumeBytesMax?: number
  /** Ends the run early: what was published is committed. */
  readonly signal?: AbortSignal
  /**
   * Told, as a sentence, what somebody should look at: the source holds something back that may be complete.
   * Default: a warning of the process (`MillraceWarning`).
   */
  readonly onNotice?: (message: string) => void
  /** Told of the run's steps. */
  readonly observer?: ConnectObserver
  /** Default: the machine's. A test gives its own. */
  readonly clock?: Clock
}

/** A topic without keys takes none; otherwise each row has to give its own. */
type KeyOption<R, K> = [K] extends [null] ? { readonly key?: never } : { readonly key: (row: R) => K }
/** Rows that are values of the topic may be published as they are. */
type ValueOption<R, V> = [R] extends [V]
  ? { readonly value?: (row: R) => V }
  : { readonly value: (row: R) => V }

/**
 * How rows become records: their keys, values and times, and what becomes of bad ones. `key` and `value` are
 * functions of a row.
 */
export type PublishOptions<R, K, V> = CommonOptions<R> & KeyOption<R, K> & ValueOption<R, V>

/** The kinds of the options, by name. */
export const publishOptionKinds: Readonly<Record<string, OptionKind>> = {
  key: 'function',
  value: 'function',
  timestamp: 'function',
  onError: 'any',
  name: 'string',
  commitInterval: 'duration',
  commitBytes: 'natural',
  resumeBytesMax: resumeBytesKind,
  signal: 'signal',
  onNotice: 'function',
  observer: 'object',
  clock: 'object',
}

/** Options with their defaults, and without the types that guarded them. */
export interface PublishSettings<R, K, V> {
  readonly name: string
  readonly key: (row: R) => K | null
  readonly value: (row: R) => V
  /** Undefined: what the topic says. */
  readonly timestamp: ((row: R) => number) | undefined
  readonly onError: ErrorPolicy
  readonly commitIntervalMs: number
  readonly commitBytes: number
  readonly resumeBytesMax: number
  readonly signal: AbortSignal
  readonly onNotice: (message: string) => void
  readonly observer: ConnectObserver
  readonly clock: Clock
}

export function settle<R, K, V>(
  topic: PublishTopic<K, V>,
  source: Source<R>,
  options: Partial<CommonOptions<R> & { key: (row: R) => K; value: (row: R) => V }> = {},
  closing?: AbortSignal,
): PublishSettings<R, K, V> {
  const { clock = systemClock } = options
  return {
    name: options.name ?? `${source.name}-${topic.name}`,
    key: options.key ?? (() => null),
    value: options.value ?? (row => row as unknown as V),
    timestamp: options.timestamp,
    onError: options.onError ?? 'fail',
    commitIntervalMs: durationMs(options.commitInterval ?? '1s'),
    commitBytes: options.commitBytes ?? 32 * 1024 * 1024,
    resumeBytesMax: options.resumeBytesMax ?? resumeStateBytesMax,
    signal: AbortSignal.any([options.signal, closing].filter(signal => signal !== undefined)),
    onNotice: options.onNotice ?? warn,
    observer: options.observer ?? {},
    clock,
  }
}

/** Tells a person, and nobody else: a program that wants to know gives `onNotice`. */
function warn(message: string): void {
  process.emitWarning(message, { type: 'MillraceWarning' })
}
