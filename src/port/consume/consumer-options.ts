/** The arguments of a consumer: its checked options, and the part of a topic that it needs. */
import {
  checkOption,
  checkOptions,
  durationMs,
  inWords,
  MillraceError,
  type Duration,
} from '../../base/index.ts'
import type { Topic } from '../../schema/index.ts'
import type { AssignorName } from '../group/assignors.ts'
import { checkInstanceId } from '../group/checks.ts'
import type { Decoder } from './decoded-batch.ts'
import type { GroupOptions } from '../group/membership.ts'
import type { Isolation, StartSpec } from '../log-port.ts'

/** The range that a consumer reads, its group, and its commits. */
export interface ConsumerOptions {
  /**
   * Shares the partitions with the other members of this group, and continues at the group's offsets. Without
   * a group, all partitions are read.
   */
  readonly group?: string
  /**
   * Where to begin if the group has not committed. Default earliest. An offset holds for every partition; a
   * Date is the first record with that timestamp or a later one, as `{ timestamp }` is.
   */
  readonly from?: StartSpec | { readonly offset: number } | Date
  /** Default read_committed. */
  readonly isolation?: Isolation
  /** Ends the iteration at the partition's end as of its assignment. Default: wait for more. */
  readonly until?: 'end'
  /**
   * How often processed offsets are committed, in ms; false leaves it to {@link Consumer.commit}. Default
   * 1000. Only in a group.
   */
  readonly autoCommitMs?: number | false
  /**
   * How long the body of a loop may work on one record (or batch) once another member joins or leaves. After
   * that the group gives its partitions to others, and the loop fails with MEMBER_FENCED. Only time in which
   * the process could act counts. At most 24 days. Default 60 s. Only in a group.
   */
  readonly rebalanceTimeout?: Duration
  /**
   * How the members share the partitions, in the order of preference; all members of the group need one in
   * common. Default `['cooperative-sticky']` (KIP-429): members keep what does not move. With `range` each
   * has a range of neighbouring partitions, and gives back everything before each rebalance. Only in a group.
   */
  readonly assignors?: readonly ConsumerAssignor[]
  /**
   * Makes the member static (KIP-345), as Kafka's `group.instance.id`; it has the form of a topic's name.
   * Once closed it is still a member: if it is back within {@link sessionTimeout} with this id and the same
   * topic, it gets its partitions again without a rebalance. Until then nobody else reads them. A second
   * consumer with the id replaces the first one, whose loop fails with MEMBER_FENCED. Only in a group.
   */
  readonly instanceId?: string
  /**
   * How long the group waits for a static member that has closed, or whose process has died; as Kafka's
   * `session.timeout.ms`. Default 45 s. Only with {@link instanceId}: in process any other member that ends
   * is seen to leave.
   */
  readonly sessionTimeout?: Duration
}

/** An assignor of consumers; apps have another one. */
export type ConsumerAssignor = Exclude<AssignorName, 'millrace'>

/** The part of a topic that a consumer needs. */
export interface ReadableTopic<K, V> {
  readonly name: string
  readonly partitions: number | undefined
  readonly key: Decoder<K>
  readonly value: Decoder<V>
  readonly onError?: Topic<K, V>['onError']
}

const autoCommitMsDefault = 1000
const rebalanceTimeoutDefault: Duration = '60s'

/** Options with their defaults. */
export interface ConsumerSettings {
  readonly group: string | undefined
  readonly from: StartSpec | { readonly offset: number }
  readonly isolation: Isolation | undefined
  readonly until: 'end' | undefined
  /** The interval of automatic commits; undefined: none. */
  readonly commitEveryMs: number | undefined
  /** How it joins its group. */
  readonly joining: Pick<GroupOptions, 'assignors' | 'instanceId' | 'sessionTimeoutMs' | 'rebalanceTimeoutMs'>
}

/** @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION */
export function consumerSettings(topic: string, options: ConsumerOptions): ConsumerSettings {
  const what = `the consumer of '${topic}'`
  checkOptions(what, options, {
    group: 'string',
    from: value => (isPlace(value) ? undefined : place),
    isolation: ['read_committed', 'read_uncommitted'],
    until: ['end'],
    autoCommitMs: value =>
      value === false || (Number.isFinite(value) && (value as number) >= 0)
        ? undefined
        : 'a number of milliseconds, or false',
    rebalanceTimeout: 'duration',
    assignors: value => (areAssignors(value) ? undefined : `a list of ${assignorNames.join(' and ')}`),
    instanceId: 'string',
    sessionTimeout: 'duration',
  })
  const { group, from = 'earliest', autoCommitMs = autoCommitMsDefault } = options
  const needs = (
    option: 'assignors' | 'instanceId' | 'sessionTimeout',
    other: 'group' | 'instanceId',
  ): void => {
    if (options[option] === undefined || options[other] !== undefined) return
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Option '${option}' of ${what} has no effect without '${other}'. State '${other}', or leave it out.`,
    )
  }
  needs('assignors', 'group')
  needs('instanceId', 'group')
  needs('sessionTimeout', 'instanceId')
  if (options.instanceId !== undefined) checkInstanceId(options.instanceId)
  if (from instanceof Date || (typeof from === 'object' && 'timestamp' in from))
    checkTimestamp(what, 'from', from instanceof Date ? from : from.timestamp)
  return {
    group,
    from: from instanceof Date ? { timestamp: from.getTime() } : from,
    isolation: options.isolation,
    until: options.until,
    commitEveryMs: group === undefined || autoCommitMs === false ? undefined : autoCommitMs,
    joining: {
      rebalanceTimeoutMs: durationMs(options.rebalanceTimeout ?? rebalanceTimeoutDefault),
      ...(options.assignors && { assignors: options.assignors }),
      ...(options.instanceId !== undefined && { instanceId: options.instanceId }),
      ...(options.sessionTimeout !== undefined && { sessionTimeoutMs: durationMs(options.sessionTimeout) }),
    },
  }
}

const assignorNames: readonly ConsumerAssignor[] = ['cooperative-sticky', 'range']

function areAssignors(value: unknown): boolean {
  const names: readonly unknown[] = assignorNames
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(name => names.includes(name)) &&
    new Set(value).size === value.length
  )
}

/**
 * A place in time as a number.
 * @throws MillraceError INVALID_ARGUMENT for text, NaN, or an invalid Date
 */
export function checkTimestamp(what: string, name: string, at: unknown): number {
  const timestamp = at instanceof Date ? at.getTime() : at
  if (typeof timestamp === 'number' && Number.isSafeInteger(timestamp)) return timestamp
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `The timestamp of '${name}' of ${what} must be a whole number of milliseconds since the epoch, or a Date; got ${at instanceof Date ? 'an invalid Date' : inWords(at)}. Convert text with Date.parse.`,
  )
}

/** @throws MillraceError INVALID_ARGUMENT for an invalid partition number, or an invalid offset */
export function checkPlace(what: string, partition: unknown, offset: unknown): void {
  checkOption(what, 'partition', partition, 'natural')
  checkOption(what, 'offset', offset, 'natural')
}

const place = "'earliest', 'latest', { offset }, { timestamp } or a Date"

function isPlace(value: unknown): boolean {
  if (value === 'earliest' || value === 'latest' || value instanceof Date) return true
  if (typeof value !== 'object' || value === null) return false
  const [name, ...others] = Object.keys(value)
  if (others.length > 0) return false
  if (name === 'timestamp') return true
  return (
    name === 'offset' &&
    Number.isSafeInteger((value as { offset: unknown }).offset) &&
    (value as { offset: number }).offset >= 0
  )
}
