/**
 * Patterns: which events match. Most of the cases are those of Flink's documentation of CEP.
 *
 * An event is a letter and a number, as `a1`, and comes a millisecond after the one before; `a1@9` has its
 * own time. A match is its events, in the order of the steps.
 */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { MatchOptions } from './match.ts'
import { type Pattern, pattern, type PatternOf } from './pattern.ts'

const input = topic('input', { key: text(), value: json<string>(), watermark: { outOfOrderness: 100 } })
const output = topic('output', { key: text(), value: json<Readonly<Record<string, readonly string[]>>>() })
const timeouts = topic('timeouts', {
  key: text(),
  value: json<Readonly<Record<string, readonly string[]>>>(),
})

type Said = PatternOf<string, unknown>

/** An event of these letters. */
const is =
  (letters: string) =>
  (event: string): boolean =>
    letters.includes(event[0]!)
const begin = pattern<string>()

function found(
  said: Said,
  events: string,
  options: MatchOptions<never> = {},
): { readonly matches: string[]; readonly timedOut: string[] } {
  const app = new App('app')
  const { matches, timedOut } = app.stream(input).match(said, options)
  matches.to(output)
  timedOut.to(timeouts)
  const run = testApp(app)
  for (const [n, event] of events.split(' ').entries()) {
    const [value = '', at = n] = event.split('@')
    run.input(input).push({ key: 'k', value, timestamp: Number(at) })
  }
  run.advanceTime(Number.POSITIVE_INFINITY)
  const shown = (from: typeof output): string[] =>
    run
      .output(from)
      .read()
      .map(
        ({ value, timestamp }) =>
          `${Object.values(value ?? {})
            .flat()
            .join(' ')} @${timestamp}`,
      )
  return { matches: shown(output), timedOut: shown(timeouts) }
}

const withoutTime = (all: readonly string[]): string[] => all.map(each => each.replace(/ @.*/, '')).toSorted()

function check(
  name: string,
  said: Said,
  events: string,
  matches: readonly string[],
  options: MatchOptions<never> = {},
): void {
  test(name, () => deepEqual(withoutTime(found(said, events, options).matches), matches.toSorted()))
}

const a = begin.begin('a', is('a'))
check('next: directly after', a.next('b', is('b')), 'a c b1 b2', [])
check('next: an event that fits', a.next('b', is('b')), 'a b1 b2', ['a b1'])
check('followedBy: the first that fits', a.followedBy('b', is('b')), 'a c b1 b2', ['a b1'])
check('followedByAny: each that fits', a.followedByAny('b', is('b')), 'a c b1 b2', ['a b1', 'a b2'])
check('each first event begins a match', a.followedBy('b', is('b')), 'a1 a2 b', ['a1 b', 'a2 b'])

const aThen = (how: (p: Pattern<string, unknown, 'b'>) => Pattern<string, unknown, 'b'>): Said =>
  how(a.followedByAny('b', is('b')).oneOrMore()).followedBy('c', is('c'))
const bees = 'a b1 d1 b2 d2 b3 c'
check(
  'oneOrMore, consecutive',
  aThen(p => p.consecutive()),
  bees,
  ['a b1 c', 'a b2 c', 'a b3 c'],
)
check(
  'oneOrMore',
  aThen(p => p),
  bees,
  ['a b1 c', 'a b1 b2 c', 'a b1 b2 b3 c', 'a b2 c', 'a b2 b3 c', 'a b3 c'],
)
check(
  'oneOrMore, with combinations',
  aThen(p => p.allowCombinations()),
  bees,
  ['a b1 c', 'a b1 b2 c', 'a b1 b3 c', 'a b1 b2 b3 c', 'a b2 c', 'a b2 b3 c', 'a b3 c'],
)

const middle = begin.begin('c', is('c')).followedBy('a', is('a')).oneOrMore()
const middles = 'c d a1 a2 a3 d a4 b'
check('a loop in the middle', middle.followedBy('b', is('b')), middles, [
  'c a1 b',
  'c a1 a2 b',
  'c a1 a2 a3 b',
  'c a1 a2 a3 a4 b',
])
check('a loop of consecutive events', middle.consecutive().followedBy('b', is('b')), middles, [
  'c a1 b',
  'c a1 a2 b',
  'c a1 a2 a3 b',
])
check('a loop of combinations', middle.allowCombinations().followedBy('b', is('b')), middles, [
  'c a1 b',
  'c a1 a2 b',
  'c a1 a3 b',
  'c a1 a4 b',
  'c a1 a2 a3 b',
  'c a1 a2 a4 b',
  'c a1 a3 a4 b',
  'c a1 a2 a3 a4 b',
])
const as = begin.begin('x', is('a')).oneOrMore().greedy()
check('a greedy loop', middle.greedy().followedBy('b', is('b')), middles, ['c a1 a2 a3 a4 b'])
check(
  'a greedy loop takes what the next step would take',
  begin.begin('x', is('ab')).oneOrMore().greedy().next('b', is('bc')),
  'a1 b1 c1',
  ['a1 b1 c1', 'b1 c1'],
)
check('a greedy loop at the end', middle.greedy(), 'c a1 d a2', ['c a1', 'c a1 a2'])
check(
  'a greedy loop that has ended leaves the next step what it could have taken',
  begin.begin('x', is('bc')).times(1, 2).consecutive().greedy().followedBy('y', is('bc')),
  'c1 a1 b1',
  ['c1 b1'],
)
check(
  'the step after a greedy loop does not pass over what it can take',
  begin
    .begin('x', (event, { x }) => x.every(other => event > other))
    .oneOrMore()
    .greedy()
    .followedBy('y', is('a')),
  'b a1 a0',
  ['b a1', 'a1 a0'],
)
check(
  'the step after a greedy loop gets nothing that the loop can take, while it waits',
  begin.begin('x', is('a')).oneOrMore().greedy().followedBy('y', is('ab')),
  'a1 d a2 b',
  ['a1 a2 b', 'a2 b'],
)
check(
  'an optional step behind a greedy loop leaves the loop its events, and so does the step after it',
  as.followedBy('o', is('o')).optional().followedBy('y', is('ac')),
  'a1 x a2 c',
  ['a1 a2 c', 'a2 c'],
)
check(
  'an optional loop behind a greedy one takes nothing from it',
  as.followedBy('o', is('oa')).oneOrMore().optional().followedBy('y', is('c')),
  'a1 x a2 c',
  ['a1 a2 c', 'a2 c'],
)
check(
  'a step behind notNext takes nothing from the greedy loop before that',
  as.notNext(is('n')).followedBy('y', is('ac')),
  'a1 x a2 c',
  ['a1 a2 c', 'a2 c'],
)
check(
  'a greedy loop that an event has ended leaves the next step what fits the loop',
  begin.begin('x', is('a')).oneOrMore().greedy().until(is('c')).followedBy('y', is('ab')),
  'a1 d c a2',
  ['a1 a2'],
)
check(
  'notNext after a greedy loop looks at the next event only',
  begin.begin('x', is('a')).oneOrMore().greedy().notNext(is('b')).followedBy('c', is('c')),
  'a d b c',
  ['a c'],
)
check('a loop until an event', middle.until(is('d')).followedBy('b', is('b')), middles, [
  'c a1 b',
  'c a1 a2 b',
  'c a1 a2 a3 b',
])
check('times', a.followedBy('b', is('b')).times(2).followedBy('c', is('c')), 'a b1 x b2 b3 c', ['a b1 b2 c'])
check('times, from and to', a.followedBy('b', is('b')).times(1, 2), 'a b1 b2 b3', ['a b1', 'a b1 b2'])
check('timesOrMore', a.followedBy('b', is('b')).timesOrMore(2), 'a b1 b2 b3', ['a b1 b2', 'a b1 b2 b3'])
check('optional: left out', a.followedBy('b', is('b')).optional().followedBy('c', is('c')), 'a x c', ['a c'])
check('optional: both', a.followedBy('b', is('b')).optional().followedBy('c', is('c')), 'a b c', [
  'a c',
  'a b c',
])
check('optional at the end', a.followedBy('b', is('b')).optional(), 'a x b', ['a', 'a b'])
check('none or more', a.next('b', is('b')).oneOrMore().optional().next('c', is('c')), 'a1 c1 a2 b1 b2 c2', [
  'a1 c1',
  'a2 b1 b2 c2',
])

check('notNext', a.notNext(is('b')).followedBy('c', is('c')), 'a1 b c1 a2 c2', ['a2 c2'])
check('notNext at the end', a.notNext(is('b')), 'a1 b a2 c', ['a2'])
check('notFollowedBy', a.notFollowedBy(is('b')).followedBy('c', is('c')), 'a1 x b c1 a2 x c2', ['a2 c2'])
check(
  'notFollowedBy before an optional step that is taken',
  a.notFollowedBy(is('b')).followedByAny('c', is('c')).optional().followedByAny('d', is('d')),
  'a c b d',
  ['a c d'],
)
check(
  'notFollowedBy before an optional step that is left out',
  a.notFollowedBy(is('b')).followedByAny('c', is('c')).optional().followedByAny('d', is('d')),
  'a b d',
  [],
)
check(
  'a group in a loop that has skipped is not left by next',
  begin.begin(a).oneOrMore().next('c', is('c')),
  'a1 x c1 a2 c2',
  ['a1 a2 c2', 'a2 c2'],
)
check(
  'notNext before a step that may be left out',
  a.notNext(is('b')).followedByAny('c', is('c')).optional(),
  'a1 c1 a2 b2 c2',
  ['a1', 'a1 c1', 'a1 c2'],
)
check(
  'notFollowedBy between the events of a loop of times',
  a.times(1, 2).allowCombinations().notFollowedBy(is('b')).next('c', is('c')),
  'a1 d1 b1 a2 c1',
  ['a2 c1'],
)
check(
  'notFollowedBy in a loop that has skipped',
  middle.notFollowedBy(is('d')).followedBy('b', is('b')),
  'c a1 x d a2 b',
  [],
)
check(
  'notFollowedBy after a group whose last step is a loop',
  begin
    .begin(a.followedBy('b', is('b')).oneOrMore())
    .notFollowedBy(is('d'))
    .followedBy('c', is('c')),
  'a b1 x d b2 c',
  [],
)
check('notFollowedBy after a loop', middle.notFollowedBy(is('d')).followedBy('b', is('b')), 'c a1 d a2 b', [])

const sums = begin
  .begin('low', is('a'))
  .followedByAny('high', (event, { low }) => Number(event[1]) > Number(low[0]![1]))
check('a condition over earlier events', sums, 'a2 x1 x3 a1 x2', ['a2 x3', 'a1 x2'])

const ab = begin.begin('a', is('a')).next('b', is('b'))
check('a group', begin.begin('s', is('s')).followedBy(ab).followedBy('e', is('e')), 's x a1 a2 b2 e', [])
check('a group several times', begin.begin(ab).times(2).next('e', is('e')), 'a1 b1 a2 b2 e', [
  'a1 a2 b1 b2 e',
])
check(
  'a group in a loop',
  begin.begin('s', is('s')).next(ab).oneOrMore().consecutive().next('e', is('e')),
  's a1 b1 a2 b2 e',
  ['s a1 a2 b1 b2 e'],
)
check('a group left out', begin.begin('s', is('s')).next(ab).optional().next('e', is('e')), 's e s a b e', [
  's e',
  's a b e',
])

const loop = begin.begin('b', is('b')).oneOrMore().consecutive().next('c', is('c'))
for (const [afterMatch, matches] of [
  ['noSkip', ['b1 b2 b3 c', 'b2 b3 c', 'b3 c']],
  ['skipToNext', ['b1 b2 b3 c', 'b2 b3 c', 'b3 c']],
  ['skipPastLastEvent', ['b1 b2 b3 c']],
  [{ skipToFirst: 'b' }, ['b1 b2 b3 c', 'b2 b3 c', 'b3 c']],
  [{ skipToLast: 'b' }, ['b1 b2 b3 c', 'b3 c']],
] as const)
  check(`after a match: ${JSON.stringify(afterMatch)}`, loop, 'b1 b2 b3 c', matches, { afterMatch } as never)

const greedy = begin
  .begin('x', is('abc'))
  .next('y', is('bc'))
  .next('c', is('c'))
  .oneOrMore()
  .greedy()
  .next('d', is('d'))
check('a greedy loop after two steps', greedy, 'a b c1 c2 c3 d', [
  'a b c1 c2 c3 d',
  'b c1 c2 c3 d',
  'c1 c2 c3 d',
])
check(
  'a greedy loop, and skipping to its first event',
  greedy,
  'a b c1 c2 c3 d',
  ['a b c1 c2 c3 d', 'c1 c2 c3 d'],
  { afterMatch: { skipToFirst: 'c' as never } },
)
const ends = a.next('b', is('b')).oneOrMore()
check('matches of one beginning', ends, 'a b1 b2 b3', ['a b1', 'a b1 b2', 'a b1 b2 b3'])
check('one match of each beginning', ends, 'a b1 b2 b3', ['a b1'], { afterMatch: 'skipToNext' })

test('a match takes less than its time, and what is not complete by then is told', () => {
  const within = a.followedBy('b', is('b')).within(10)
  deepEqual(found(within, 'a1@5 b1@14 a2@20 b2@30'), { matches: ['a1 b1 @14'], timedOut: ['a2 @29'] })
})

test('a match within 1 ms takes events of one time', () => {
  const within = a.followedBy('b', is('b')).within(1)
  deepEqual(found(within, 'a1@5 b1@5 a2@5 b2@6'), { matches: ['a1 b1 @5'], timedOut: ['a2 @5'] })
})

test('a match waits for attempts that began before it, if it may drop them', () => {
  const later = begin
    .begin('a', is('ab'))
    .followedBy('c', (event, { a: [first] }) => is('c')(event) && event[1] === first?.[1])
  deepEqual(found(later.within(10), 'a1 b2 c2 c1', { afterMatch: 'skipPastLastEvent' }).matches, ['a1 c1 @3'])
  deepEqual(found(later.within(10), 'a1 b2 c2 c3@20', { afterMatch: 'skipPastLastEvent' }), {
    matches: ['b2 c2 @9'],
    timedOut: ['a1 @9'],
  })
})

test('what must not come has not come when the time is over', () => {
  const unpaid = a.notFollowedBy(is('b')).within(10)
  deepEqual(found(unpaid, 'a1@5 b1@14 a2@20 b2@30 a3@50'), { matches: ['a2 @29', 'a3 @59'], timedOut: [] })
})

test('what must not come after a greedy loop has not come when the time is over', () => {
  const alone = begin.begin('x', is('a')).oneOrMore().greedy().notFollowedBy(is('b')).within(10)
  deepEqual(found(alone, 'a1@5 d@6 a2@20 d@21 b@22'), { matches: ['a1 @14'], timedOut: ['a1 @14'] })
})

test('events are taken in the order of their times', () => {
  deepEqual(found(a.next('b', is('b')).next('c', is('c')), 'c@9 a@7 b@8').matches, ['a b c @9'])
})

test('a late record is dropped, or goes to the side output', () => {
  for (const isRead of [false, true]) {
    const app = new App('app')
    const matched = app.stream(input).match(p => p.begin('x'))
    if (isRead) matched.late().to(topic('late', { key: text(), value: json<string>() }))
    const run = testApp(app)
    run.input(input).push({ key: 'k', value: 'a', timestamp: 200 }, { key: 'k', value: 'b', timestamp: 99 })
    equal(isRead ? run.metrics.sideOutput.late : run.metrics.dropped.late, 1)
  }
})

test('an event on which a condition fails leaves no trace', () => {
  const app = new App('app')
  const fragile = (event: string): boolean => {
    if (event === 'x') throw new Error('no x')
    return true
  }
  app
    .stream(input)
    .match(p => p.begin('a', is('a')).next('b', fragile))
    .matches.to(output)
  const run = testApp(app, { onError: 'skip' })
  for (const [timestamp, value] of ['a', 'x', 'b'].entries())
    run.input(input).push({ key: 'k', value, timestamp })
  run.advanceTime(Number.POSITIVE_INFINITY)
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    [{ a: ['a'], b: ['b'] }],
  )
  equal(run.metrics.dropped.failed, 1)
})
