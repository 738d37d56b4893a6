/** Patterns that cannot mean anything are refused, where they are made or where `match` gets them. */
import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { App } from './app.ts'
import { pattern } from './pattern.ts'

const input = topic('input', { key: text(), value: json<string>() })

const is =
  (letter: string) =>
  (event: string): boolean =>
    event === letter
const begin = pattern<string>()
const a = begin.begin('a', is('a'))

for (const [name, make, about] of [
  ['something else', () => 'pattern' as never, /pattern of match must be a pattern/],
  ['two steps of one name', () => a.next('a'), /Two steps of the pattern are named 'a'/],
  ['a condition that is none', () => a.next('b', 'b' as never), /condition 'b' of match must be a function/],
  ['an end with notFollowedBy', () => a.notFollowedBy(is('b')), /ends with notFollowedBy needs within/],
  ['greedy for one event', () => a.greedy(), /greedy speaks of the step before it/],
  ['until for one event', () => a.until(is('b')), /until speaks/],
  ['optional for what must not come', () => a.notNext(is('b')).optional(), /optional speaks.*takes none/],
  ['a step without a name', () => a.next(''), /needs a name/],
  ['a first step without a name', () => begin.begin('') as never, /needs a name/],
  ['two counts', () => a.oneOrMore().times(2), /times contradicts oneOrMore/],
  ['a count once more', () => a.times(1).timesOrMore(1), /timesOrMore contradicts times/],
  ['two contiguities', () => a.oneOrMore().consecutive().allowCombinations(), /contradicts consecutive/],
  ['two ends of a loop', () => a.oneOrMore().until(is('b')).until(is('c')), /until contradicts until/],
  ['times 0', () => a.times(0), /times takes whole numbers/],
  ['more times than less', () => a.times(3, 2), /times takes whole numbers/],
  [
    'a group without end that may take nothing',
    () => a.next(begin.begin('b', is('b')).optional().next('c').optional()).oneOrMore(),
    /oneOrMore repeats a group that may take no event.*times\(1, 10\)/,
  ],
  ['a group with a time', () => a.next(begin.begin('b').within('1s')), /A group ends/],
  ['no time', () => a.within(0), /within must be longer than nothing/],
  ['a time without end', () => a.within(Number.MAX_SAFE_INTEGER), /time of within.*is the most/],
] as const)
  test(`match refuses ${name}`, () => {
    const app = new App('app')
    const stream = app.stream(input)
    const before = app.describe()
    throws(() => stream.match(make()), { code: 'INVALID_ARGUMENT', message: about })
    equal(app.describe(), before)
  })

test('match refuses strategies that it does not know, and steps that the pattern does not have', () => {
  const stream = new App('app').stream(input)
  throws(() => stream.match(a, { afterMatch: 'skip' as never }), {
    code: 'INVALID_ARGUMENT',
    message: /skipToNext/,
  })
  throws(() => stream.match(a, { afterMatch: { skipToFirst: 'b' as never } }), {
    code: 'INVALID_ARGUMENT',
    message: /'skipToFirst'.*'a'/,
  })
})
