/** Rows and the answers to their questions, in any order. */
import { check } from './harness.test-support.ts'
import { innerJoinByForeignKey, leftJoinByForeignKey } from './foreign-key-join.ts'
import { jsonKeyCodec } from './key-codec.ts'

interface Order {
  readonly of?: string
  readonly n: number
}

const order = (n: number, of?: string): string => JSON.stringify({ ...(of && { of }), n })

/** An answer on a key: a value with its timestamp, or none. */
const answer = (on: string, value?: number, timestamp?: number): string =>
  JSON.stringify({ on: `"${on}"`, row: row(value, timestamp), deletedAt: null, isLast: false })
const row = (value?: number, timestamp?: number) => (value === undefined ? null : { value, timestamp })
const deleted = (on: string, deletedAt: number): string =>
  JSON.stringify({ on: `"${on}"`, row: null, deletedAt, isLast: false })
const last = (on: string): string =>
  JSON.stringify({ on: `"${on}"`, row: null, deletedAt: null, isLast: true })

const of = (value: Order): string | undefined => value.of
const inner = innerJoinByForeignKey<string, Order, string, number, string>(
  of,
  jsonKeyCodec,
  ({ n }, other, key) => `${key}${n} ${other}`,
)
const left = leftJoinByForeignKey<string, Order, string, number, string>(
  of,
  jsonKeyCodec,
  ({ n }, other, key) => `${key}${n} ${other}`,
)

function keeps(
  value: readonly [n: number, of: string | undefined, timestamp: number] | null,
  answers: readonly (readonly [on: string, value?: number, timestamp?: number])[],
  shown: string | null,
): string[] {
  const [n, to, timestamp] = value ?? []
  const known = {
    row: value && { value: { ...(to && { of: to }), n }, timestamp },
    on: to ? `"${to}"` : null,
    answers: answers.map(([on, ...found]) => [`"${on}"`, row(...found)]),
    shown,
  }
  return [`rows 0 a ${JSON.stringify(known)}`]
}

check('inner: a result when the answer on the present key is there; the one before stays until then', inner, [
  [`a ${order(1, 'x')} @1`, [], keeps([1, 'x', 1], [], null)],
  [`1: a ${answer('x', 5, 3)} @1`, ['a "a1 5" @3'], keeps([1, 'x', 1], [['x', 5, 3]], 'a1 5')],
  [`a ${order(2, 'x')} @4`, ['a "a2 5"←"a1 5" @4'], keeps([2, 'x', 4], [['x', 5, 3]], 'a2 5')],
  ['get a', ['"a2 5"']],
  // Another row: the answer comes before the last one on x.
  [`a ${order(3, 'y')} @5`, [], keeps([3, 'y', 5], [['x', 5, 3]], 'a2 5')],
  [`1: a ${answer('x', 6, 9)} @9`, [], keeps([3, 'y', 5], [['x', 6, 9]], 'a2 5')],
  [`1: a ${answer('y')} @5`, ['a -←"a2 5" @5'], keeps([3, 'y', 5], [['x', 6, 9], ['y']], null)],
  ['get a', ['-']],
  [`1: a ${last('x')} @5`, [], keeps([3, 'y', 5], [['y']], null)],
  [`1: a ${answer('y', 7, 6)} @6 W2`, ['a "a3 7" @6 W2'], keeps([3, 'y', 5], [['y', 7, 6]], 'a3 7')],
  [`1: a ${deleted('y', 8)} @8`, ['a -←"a3 7" @8'], keeps([3, 'y', 5], [['y']], null)],
  [`1: a ${answer('y', 7, 9)} @9`, ['a "a3 7" @9'], keeps([3, 'y', 5], [['y', 7, 9]], 'a3 7')],
  // The row goes, and with the last answer everything.
  [`a -←${order(3, 'y')} @10`, ['a -←"a3 7" @10'], keeps(null, [['y', 7, 9]], null)],
  [`1: a ${answer('y', 8, 11)} @11`, [], keeps(null, [['y', 8, 11]], null)],
  [`1: a ${last('y')} @10`, [], []],
])

check('inner: an answer may come before its row; a row without a key has no result, and is counted', inner, [
  [`1: a ${answer('x', 5, 3)} @1`, [], keeps(null, [['x', 5, 3]], null)],
  [`a ${order(1, 'x')} @1`, ['a "a1 5" @3'], keeps([1, 'x', 1], [['x', 5, 3]], 'a1 5')],
  [`a ${order(2)} @4`, ['dropped null-key', 'a -←"a1 5" @4'], keeps([2, undefined, 4], [['x', 5, 3]], null)],
  [`1: a ${last('x')} @4`, [], keeps([2, undefined, 4], [], null)],
  [`a -←${order(2)} @5`, [], []],
])

check('left: a row that refers to none is joined to null', left, [
  [`a ${order(1, 'x')} @1`, [], keeps([1, 'x', 1], [], null)],
  [`1: a ${answer('x')} @1`, ['a "a1 null" @1'], keeps([1, 'x', 1], [['x']], 'a1 null')],
  [`1: a ${answer('x', 5, 2)} @2`, ['a "a1 5"←"a1 null" @2'], keeps([1, 'x', 1], [['x', 5, 2]], 'a1 5')],
  [`1: a ${deleted('x', 7)} @7`, ['a "a1 null"←"a1 5" @7'], keeps([1, 'x', 1], [['x']], 'a1 null')],
  [`a ${order(2)} @3`, ['a "a2 null"←"a1 null" @3'], keeps([2, undefined, 3], [['x']], 'a2 null')],
  [`1: a ${answer('x', 6, 8)} @8`, [], keeps([2, undefined, 3], [['x', 6, 8]], 'a2 null')],
  [`1: a ${last('x')} @3`, [], keeps([2, undefined, 3], [], 'a2 null')],
  [`a ${order(2, 'y')} @4`, [], keeps([2, 'y', 4], [], 'a2 null')],
  [`1: a ${answer('y', 1, 1)} @1`, ['a "a2 1"←"a2 null" @4'], keeps([2, 'y', 4], [['y', 1, 1]], 'a2 1')],
  [`a ${order(2)} @5`, ['a "a2 null"←"a2 1" @5'], keeps([2, undefined, 5], [['y', 1, 1]], 'a2 null')],
  [`1: a ${last('y')} @5`, [], keeps([2, undefined, 5], [], 'a2 null')],
  [`a -←${order(2)} @6`, ['a -←"a2 null" @6'], []],
])
