import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { linearPattern, type Matching } from './linear-pattern.ts'

const cases: readonly (readonly [pattern: string, matching: readonly string[], others: readonly string[]])[] =
  [
    ['app-.*', ['app-', 'app-1'], ['my-app-1', 'app', 'app-\n']],
    ['a|bc|', ['a', 'bc', ''], ['b', 'abc']],
    ['|'.repeat(1900), [''], ['|']],
    ['(a|b)*c', ['c', 'abbac'], ['ab', 'acc']],
    ['(?:ab)+?', ['ab', 'abab'], ['', 'aba']],
    ['a{2}b{1,3}c{2,}', ['aabcc', 'aabbbcccc'], ['abcc', 'aabbbbcc', 'aabc']],
    ['a{0}b?', ['', 'b'], ['a']],
    ['[a-c_.-]+', ['a_c.-b'], ['d', '']],
    ['[^a]', ['b', ']'], ['a', '']],
    ['[]x]', [']', 'x'], ['[']],
    ['\\d+\\.\\w\\S', ['12.ab'], ['12xab', '12.a ']],
    ['\\Qa.b*\\E+', ['a.b*', 'a.b**'], ['axb']],
    ['(?i)Ab[x-z]', ['aBY', 'ABx'], ['aBc']],
    ['a{x', ['a{x'], ['aax']],
    ['😀.', ['😀😀'], ['😀']],
  ]

function toEnd(matching: Matching): { isMatch: boolean; turns: number } {
  for (let turns = 1; ; turns += 1) {
    const { done, value } = matching.next()
    if (done) return { isMatch: value, turns }
  }
}

test('a pattern matches whole texts', () => {
  for (const [pattern, matching, others] of cases) {
    const matchingOf = linearPattern(pattern)
    ok(matchingOf, pattern)
    for (const text of matching) equal(toEnd(matchingOf(text)).isMatch, true, `${pattern} ${text}`)
    for (const text of others) equal(toEnd(matchingOf(text)).isMatch, false, `${pattern} ${text}`)
  }
})

test('what is invalid, or not read, is refused', () => {
  const refused = [
    '[',
    '(',
    ')',
    'a)',
    '*a',
    'a**',
    '\\',
    '(?=a)',
    '\\b',
    '[z-a]',
    '[[:alpha:]]',
    'a{3,2}',
    '^a$',
  ]
  const huge = [
    'a{1001}',
    '(abc){1000}',
    `[${'ab'.repeat(501)}]`,
    '[abcde]'.repeat(201),
    '((((a{1000}){1000}){1000}){1000}){1000}',
    '((((){1000}){1000}){1000}){1000}',
    '|'.repeat(200_000),
    '('.repeat(200),
  ]
  for (const pattern of [...refused, ...huge]) equal(linearPattern(pattern), undefined, pattern)
})

test('no pattern takes time without bounds', () => {
  const text = `${'a'.repeat(10_000)}b`
  for (const pattern of ['(a+)+', '(a|a)*', 'a*a*a*a*a*', '(.*)(.*)(.*)c'])
    equal(toEnd(linearPattern(pattern)!(text)).isMatch, false)
})

test('a long text, and many short ones, are matched in turns of bounded length', () => {
  const matchingOf = linearPattern('(a?){900}')!
  const turnsOf = (text: string): number => toEnd(matchingOf(text)).turns
  const turns = turnsOf('a'.repeat(800))
  ok(turns > 20 && turns < 200, `${turns}`)
  let ofShort = 0
  for (let n = 0; n < 800; n += 1) ofShort += turnsOf('a') - 1
  ok(ofShort > 20 && ofShort < 200, `${ofShort}`)
})

test('a class with many items is not asked for each of its copies', () => {
  const items = Array.from({ length: 900 }, (_, n) => String.fromCharCode(0x4e00 + n)).join('')
  const matchingOf = linearPattern(`([${items}]?){600}b`)!
  const before = performance.now()
  equal(toEnd(matchingOf('aaaa')).isMatch, false)
  for (const text of [`${items.slice(0, 500)}b`, 'b']) equal(toEnd(matchingOf(text)).isMatch, true)
  ok(performance.now() - before < 30_000, 'without it, minutes')
})
