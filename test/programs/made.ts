/** What the generator of random programs knows of each result, and of what operators make of it. */
import type { HistoryOperation, InputTopic, TopicOperation } from './program.ts'

export interface Made {
  readonly kind: 'stream' | 'table'
  readonly topics: ReadonlySet<InputTopic>
  /** Whether a keyed operator would be preceded by an exchange. */
  readonly isMoved: boolean
  /** Whether its records have passed an exchange. */
  readonly hasCrossed: boolean
  /** Whether it is made of several. */
  readonly isMany: boolean
  /** Whether one input may give several results of one key. */
  readonly isPlural: boolean
  /** Whether it is what a topic holds. */
  readonly isSource: boolean
  /** Whether its records may go into windows: event time comes from streams only. */
  readonly hasTime: boolean
  /** Of results of windows: the lateness that windows of them must allow. */
  readonly latenessOfResults: number | undefined
  /** Whether the changes of each row come in the order of their times. */
  readonly isMonotone: boolean
  /** Of a table with history. */
  readonly remembered: Pick<HistoryOperation, 'history' | 'lateness'> | undefined
  /** Whether its keys are those of windows. */
  readonly isWindowed: boolean
  /** Whether its rows are kept, so that they can be joined. */
  readonly isKept: boolean
  /** What has an order: all results of a step, or only those of each key. */
  readonly order: 'all' | 'by key'
  /** Nothing but writing is done with it: what the peer gives in another form is compared there. */
  readonly isLast: boolean
}

/** What a topic holds. */
export function madeOf(source: TopicOperation): Made {
  return {
    kind: source.op === 'stream' ? 'stream' : 'table',
    topics: new Set([source.topic]),
    isMoved: false,
    hasCrossed: false,
    isMany: false,
    isPlural: false,
    isSource: true,
    hasTime: source.op === 'stream',
    latenessOfResults: undefined,
    isMonotone: false,
    remembered: source.op === 'history' ? { history: source.history, lateness: source.lateness } : undefined,
    isWindowed: false,
    isKept: true,
    order: 'all',
    isLast: false,
  }
}

/** Where its keys are needed. */
export function keyed(made: Made): Made {
  return { ...withoutPast(made), isMoved: false, hasCrossed: made.hasCrossed || made.isMoved }
}

export function rowsOf(made: Made): Made {
  return { ...withoutPast(made), kind: 'table', isKept: true, latenessOfResults: undefined }
}

/** The table of results of windows. Records of their topics may meet them in any order. */
export function ofWindows(input: Made, latenessOfResults: number | undefined): Made {
  return {
    ...withoutPast(input),
    latenessOfResults,
    kind: 'table',
    isWindowed: true,
    isKept: false,
    isMoved: false,
    isMany: true,
    hasTime: false,
  }
}

function withoutPast(made: Made): Made {
  return { ...made, isMonotone: false, isSource: false, remembered: undefined }
}

export function together(left: Made, right: Made): Made {
  return {
    ...withoutPast(left),
    topics: new Set([...left.topics, ...right.topics]),
    hasCrossed: left.hasCrossed || right.hasCrossed,
    isMany: true,
    latenessOfResults: undefined,
    isPlural: left.isPlural || right.isPlural || !haveNoTopicInCommon(left, right),
    hasTime: left.hasTime && right.hasTime,
    order: left.order === 'all' && right.order === 'all' ? 'all' : 'by key',
  }
}

/**
 * Whether both peers bring the records of the two in one order to where they meet. Those of one topic that
 * come over an exchange and beside it do not, as no log promises that, nor those that have come together
 * before.
 */
export function meetInOrder(left: Made, right: Made): boolean {
  if (haveNoTopicInCommon(left, right)) return true
  return ![left, right].some(each => each.hasCrossed || each.isMoved || each.isMany)
}

/**
 * A table that is joined to itself gives two results of each change: in millrace the first is of the new row
 * and the old one, in Kafka Streams both are of the new row.
 */
export function haveNoTopicInCommon(left: Made, right: Made): boolean {
  return ![...left.topics].some(topic => right.topics.has(topic))
}
