import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { linearPattern } from './linear-pattern.ts'

const cases: readonly (readonly [pattern: string, matching: readonly string[], others: readonly string[]])[] =
  [
    ['app-.*', ['app-', 'app-1'], ['my-app-1', 'app', 'app-\n']],
    ['a|bc|', ['a', 'bc', ''], ['b', 'abc']],
    ['|'.repeat(9000), [''], ['|']],
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

test('a pattern matches whole texts', () => {
  for (const [pattern, matching, others] of cases) {
    const isMatch = linearPattern(pattern)
    ok(isMatch, pattern)
    for (const text of matching) equal(isMatch(text), true, `${pattern} ${text}`)
    for (const text of others) equal(isMatch(text), false, `${pattern} ${text}`)
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
    equal(linearPattern(pattern)!(text), false)
})
