/** The operators on streams without state, alone. None of them keeps anything. */
import { check } from './harness.test-support.ts'
import { filter, filterNot, flatMap, groupKey, map, mapValues, peek, selectKey } from './stateless.ts'

check(
  'filter',
  filter<string, number>((n, key) => n > 1 && key === 'a'),
  [
    ['a 1 @1', []],
    ['a 2 @2', ['a 2 @2']],
    ['b 2 @3', []],
  ],
)

check(
  'filterNot',
  filterNot<string, number>((n, key) => n > 1 && key === 'a'),
  [
    ['a 1 @1', ['a 1 @1']],
    ['a 2 @2', []],
    ['b 2 @3', ['b 2 @3']],
  ],
)

check(
  'mapValues',
  mapValues<string, number | null, string>((n, key) => `${key}${n}`),
  [
    ['a 1 @1', ['a "a1" @1']],
    ['a - @2 W1', ['a "anull" @2 W1']],
  ],
)

check(
  'map',
  map<string, number, number, string>((n, key) => [n, key]),
  [['a 7 @1', ['7 "a" @1']]],
)

check(
  'flatMap',
  flatMap<string, number, string | null, number>((n, key) =>
    n < 0 ? [[null, n]] : Array.from({ length: n }, (_, i) => [`${key}${i}`, n] as const),
  ),
  [
    ['a 0 @1', []],
    ['a 1 @2', ['a0 1 @2']],
    ['a 2 @3', ['a0 2 @3', 'a1 2 @3']],
    ['a -1 @4', ['- -1 @4']],
  ],
)

check(
  'selectKey',
  selectKey<string, number, number | undefined>(n => (n === 0 ? undefined : n)),
  [
    ['a 7 @1', ['7 7 @1']],
    ['a 0 @2', ['- 0 @2']],
  ],
)

check(
  'groupBy: the selector is not called for a record without a value',
  groupKey<string, number, string>(n => n.toFixed()),
  [
    ['a 7 @1', ['7 7 @1']],
    ['a - @2', ['dropped null-value']],
  ],
)

const seen: unknown[] = []
check(
  'peek',
  peek<string, number>((n, key) => seen.push([key, n])),
  [['a 7 @1', ['a 7 @1']]],
)
