/**
 * Programs of one operation or two over few keys, values and times, all of them at an edge: equal times and
 * values, deletions of what never was, the first milliseconds of 1970, times at a bound and beside it. Rows
 * come, go and come again, between commits, during them and across crashes. Each gives what the reference
 * interpreter says.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { inTotal, ofSteps } from './comparable.ts'
import { interpreted } from './interpreter.ts'
import { ourAnswer } from './our-answer.ts'
import type { HistoryOperation, Input, InputTopic, Operation, Program, WindowsOperation } from './program.ts'
import { throughCrashes } from './through-crashes.ts'

interface Odd {
  readonly operations: readonly Operation[]
  /** The first one is the likeliest. */
  readonly times: readonly number[]
  readonly outOfOrderness?: number
  readonly isUnordered?: boolean
}

const left: Operation = { on: 'topic', op: 'table', topic: 't' }
const right: Operation = { on: 'topic', op: 'table', topic: 'u' }
const first: Operation = { on: 'topic', op: 'stream', topic: 's' }
const second: Operation = { on: 'topic', op: 'stream', topic: 'r' }
/** Remembers for 5 ms, and takes changes that are up to 3 ms late. */
const history: HistoryOperation = { on: 'topic', op: 'history', topic: 'v', history: 5, lateness: 3 }
const two = { of: 0, with: 1, n: 2 } as const
const windows = { on: 'windows', op: 'count', of: 0, n: 10, lateness: 0, isLateByItself: false } as const

const beginning = [0, 1, 2]
/** A value of 8 has no key to refer to; 1 refers to d, as 5 does. */
const values = [1, 1, 5, 8, null]
const keys = ['a', 'd']

const odd: Readonly<Record<string, Odd>> = {
  'rows that come again': { operations: [left], times: beginning },
  'rows in groups': {
    operations: [left, { on: 'grouped table', op: 'count', of: 0, n: 2 }],
    times: beginning,
  },
  'an inner join by a foreign key that comes and goes': {
    operations: [left, right, { on: 'referring tables', op: 'join', ...two }],
    times: beginning,
    isUnordered: true,
  },
  'a left join by a foreign key that comes and goes': {
    operations: [left, right, { on: 'referring tables', op: 'leftJoin', ...two }],
    times: beginning,
    isUnordered: true,
  },
  'an inner join of tables in one millisecond': {
    operations: [left, right, { on: 'tables', op: 'join', ...two }],
    times: [0],
  },
  'an outer join of tables in one millisecond': {
    operations: [left, right, { on: 'tables', op: 'outerJoin', ...two }],
    times: [1],
  },
  'an outer join of streams in one millisecond': {
    operations: [
      first,
      second,
      { on: 'joined streams', op: 'outerJoin', ...two, before: 0, after: 0, lateness: 0 },
    ],
    times: [0, 0, 1],
  },
  'an outer join of streams at its bounds': {
    operations: [
      first,
      second,
      { on: 'joined streams', op: 'outerJoin', ...two, before: 3, after: 5, lateness: 2 },
    ],
    times: [10, 6, 7, 8, 14, 15, 16, 17, 18],
    outOfOrderness: 1,
  },
  'an outer join of streams before one another': {
    operations: [
      first,
      second,
      { on: 'joined streams', op: 'outerJoin', ...two, before: -2, after: 4, lateness: 1 },
    ],
    times: [10, 11, 12, 13, 14, 15],
  },
  'the latest row of a table with history': {
    operations: [history],
    times: [20, 0, 1, 11, 12, 13, 16, 17, 18],
    outOfOrderness: 1,
  },
  'an inner join as of a time at its bounds': {
    operations: [first, history, { on: 'stream and history', op: 'join', ...two, ...remembered() }],
    times: [20, 0, 1, 11, 12, 13, 16, 17, 18, 28, 29],
    outOfOrderness: 0,
    isUnordered: true,
  },
  'a left join as of a time at its bounds': {
    operations: [first, history, { on: 'stream and history', op: 'leftJoin', ...two, ...remembered() }],
    times: [20, 0, 1, 11, 12, 13, 16, 17, 18, 28, 29],
    outOfOrderness: 2,
    isUnordered: true,
  },
  'changes that are held back at the beginning': {
    operations: [
      first,
      { on: 'grouped stream', op: 'count', of: 0, n: 10 },
      { on: 'suppressed', op: 'suppress', of: 1, n: 10, limit: 1, bound: {} },
    ],
    times: beginning,
    isUnordered: true,
  },
  ...Object.fromEntries(
    (['tumbling', 'hopping', 'sliding', 'session', 'global'] as const).flatMap(kind =>
      (['changes', 'final'] as const)
        .filter(emit => kind !== 'global' || emit === 'changes')
        .map(emit => [`${kind} windows of the first milliseconds, ${emit}`, ofFirst(kind, emit)]),
    ),
  ),
}

function remembered() {
  return { history: history.history, lateness: history.lateness }
}

function ofFirst(kind: WindowsOperation['kind'], emit: WindowsOperation['emit']): Odd {
  const size = 3
  const isLateByItself = kind === 'sliding'
  const advance = kind === 'hopping' ? 1 : size
  const operation: WindowsOperation = { ...windows, kind, size, advance, emit, isLateByItself }
  return {
    operations: [first, operation],
    times: [...beginning, 3, 4],
    outOfOrderness: 1,
    isUnordered: true,
  }
}

for (const [name, { operations, times, outOfOrderness = 0, isUnordered = false }] of Object.entries(odd))
  test(name, () =>
    forSeeds(2000, random => {
      const last = operations.length - 1
      const outputs = [last]
      const program: Program = { operations, outputs, unordered: isUnordered ? outputs : [], outOfOrderness }
      const topics = operations.flatMap(each => (each.on === 'topic' ? [each.topic] : []))
      const inputs = Array.from({ length: 2 + random.int(14) }, () => oneOf(random, topics, times))
      const steps = inputs.map(input => [input])
      const answers = interpreted(program, steps)
      deepEqual(ofSteps(program, ourAnswer(program, steps), true), ofSteps(program, answers, true))
      deepEqual(inTotal(program, [throughCrashes(program, inputs, random)]), inTotal(program, answers))
    }),
  )

function oneOf(random: Random, topics: readonly InputTopic[], times: readonly number[]): Input {
  const one = <T>(choices: readonly T[]): T => choices[random.int(choices.length)]!
  return { topic: one(topics), key: one(keys), value: one(values), timestamp: one(times) }
}
