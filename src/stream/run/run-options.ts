/** The options of a run. */
import { checkOptions, durationMs, type Duration, type OptionKind } from '../../base/index.ts'
import { checkPolicy, type ErrorPolicy } from '../../schema/index.ts'

/** The options of a run: when it ends, how safe it is, and how much memory it takes. */
export interface RunOptions {
  /**
   * `'end'`: the present end of the input is the end of time. Every window closes, and the app is finished: a
   * later run refuses, or starts from scratch with `restart`. `'now'`: stops at the present end; the next run
   * continues from there. Default: runs until stopped.
   */
  readonly until?: 'end' | 'now'
  /** Forgets offsets and state and begins from the start. Records in the output topics stay. */
  readonly restart?: boolean
  /**
   * Names of operators that the program no longer has: their state is dropped. A run refuses to start while
   * one of them may have been renamed.
   */
  readonly forget?: readonly string[]
  /** Default exactly-once: outputs, changelogs and offsets commit in one transaction. */
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  /** How often to commit. Default 100 ms, as Kafka Streams under exactly-once. */
  readonly commitInterval?: Duration
  /**
   * The most bytes of state changed since the last commit: past them the run commits early. Default 64 MiB.
   */
  readonly dirtyBytesMax?: number
  /**
   * How records get from one stage to the next. `'memory'` is a function call and allows one instance of the
   * app. `'topic'` uses internal topics and allows many. Default `'memory'`.
   */
  readonly exchange?: 'memory' | 'topic'
  /** How far, in event time, one partition may run ahead of the slowest. Default 1 day. */
  readonly alignment?: Duration
  /** The policy for bad records of topics without their own policy. Default `'fail'`. */
  readonly onError?: ErrorPolicy
  /**
   * Tells instances that run at the same time apart. A second instance with the same id fences the first.
   * Default `'0'`.
   */
  readonly instance?: string
  /** Stops the run as `stop()` does: commits and leaves. */
  readonly signal?: AbortSignal
  /** Called at the steps that a crash could fall into: for tests, demos and metrics. */
  readonly onPhase?: (phase: 'processing' | 'committing' | 'committed') => void
  /**
   * Called with what a person should know of a run that has not failed. Examples: a topic that the app reads
   * was missing and has been created; its windows wait for partitions without data. Default: a warning of the
   * process (`process.emitWarning`).
   */
  readonly onNotice?: (message: string) => void
}

/** The same options with defaults filled in, durations in ms. */
export interface RunSettings {
  readonly until: 'end' | 'now' | undefined
  readonly restart: boolean
  readonly forget: readonly string[]
  readonly exactlyOnce: boolean
  readonly commitIntervalMs: number
  readonly dirtyBytesMax: number
  readonly exchange: 'memory' | 'topic'
  readonly alignmentMs: number
  readonly onError: ErrorPolicy
  readonly instance: string
  readonly signal: AbortSignal | undefined
  readonly onPhase: (phase: 'processing' | 'committing' | 'committed') => void
  readonly onNotice: (message: string) => void
}

const kinds: Readonly<Record<keyof RunOptions, OptionKind>> = {
  until: ['end', 'now'],
  restart: 'boolean',
  forget: value => (isNames(value) ? undefined : "a list of operators' names, as ['count-1']"),
  guarantee: ['exactly-once', 'at-least-once'],
  commitInterval: 'duration',
  dirtyBytesMax: 'count',
  exchange: ['memory', 'topic'],
  alignment: 'duration',
  onError: 'any',
  instance: 'string',
  signal: 'signal',
  onPhase: 'function',
  onNotice: 'function',
}

/**
 * @param more further options that the caller knows, with their kinds
 * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION for an option that does not exist or is wrong
 */
export function settingsOf(
  options: RunOptions,
  more: Readonly<Record<string, OptionKind>> = {},
): RunSettings {
  checkOptions('the run', options, { ...kinds, ...more })
  if (options.onError !== undefined) checkPolicy(options.onError, 'the run')
  return {
    until: options.until,
    restart: options.restart ?? false,
    forget: options.forget ?? [],
    exactlyOnce: options.guarantee !== 'at-least-once',
    commitIntervalMs: durationMs(options.commitInterval ?? 100),
    dirtyBytesMax: options.dirtyBytesMax ?? 64 * 1024 * 1024,
    exchange: options.exchange ?? 'memory',
    alignmentMs: durationMs(options.alignment ?? '1d'),
    onError: options.onError ?? 'fail',
    instance: options.instance ?? '0',
    signal: options.signal,
    onPhase: options.onPhase ?? (() => {}),
    onNotice: options.onNotice ?? (() => {}),
  }
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.every(name => typeof name === 'string')
}
