/** What a program declares for process: its states and its outputs. */
import { checkOptions, type Duration } from '../../base/index.ts'
import type { ListState, MapState, ValueState } from '../operators/kept-values.ts'
import type { Declared, TimeDomain } from '../operators/process-states.ts'
import { positiveMs } from './durations.ts'

/** Options of {@link valueState}, {@link mapState} and {@link listState}. */
export interface StateOptions {
  /**
   * How long after its last write a value is read: more than 0. In a map or a list each entry has its own
   * time. Default: until it is deleted.
   */
  readonly ttl?: Duration
  /**
   * The time that passes: of the records, by the watermark of each record that reads, or of the clock.
   * Default `'event'`.
   */
  readonly time?: TimeDomain
}

/** A state that process declares; `S` is what its functions see. */
export class StateDeclaration<S> implements Declared {
  readonly kind: Declared['kind']
  readonly ttlMs: number | undefined
  readonly time: TimeDomain
  /** For the compiler only. */
  declare readonly seenAs: S

  /** @internal */
  constructor(kind: Declared['kind'], options: StateOptions) {
    checkOptions(`${kind}State`, options, { ttl: 'duration', time: ['event', 'processing'] })
    this.kind = kind
    this.ttlMs = options.ttl === undefined ? undefined : positiveMs(options.ttl, `the ttl of ${kind}State`)
    this.time = options.time ?? 'event'
  }
}

/**
 * A value for each key.
 * @example state: { last: valueState<Payment>({ ttl: '1h' }) }
 * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION
 */
export function valueState<V>(options: StateOptions = {}): StateDeclaration<ValueState<V>> {
  return new StateDeclaration('value', options)
}

/**
 * A map for each key. Each of its entries is stored by itself, so it may be large.
 * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION
 */
export function mapState<K, V>(options: StateOptions = {}): StateDeclaration<MapState<K, V>> {
  return new StateDeclaration('map', options)
}

/**
 * A list for each key. Each of its values is stored by itself.
 * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION
 */
export function listState<V>(options: StateOptions = {}): StateDeclaration<ListState<V>> {
  return new StateDeclaration('list', options)
}

/** An output that process declares; `V` are the values that it gets. */
export class Output<V> {
  /** For the compiler only. */
  declare readonly values: V
}

/**
 * An output of process: a stream of values of this type.
 * @example outputs: { alerts: output<Alert>() }
 */
export function output<V>(): Output<V> {
  return new Output()
}
