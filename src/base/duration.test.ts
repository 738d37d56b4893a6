import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { durationInWords, durationMs, type Duration } from './duration.ts'
import { isMillraceError } from './errors.ts'

test('durations in words', () => {
  for (const [text, ms] of [
    [5, 5],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['6h', 21_600_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['1.5h', 5_400_000],
    ['1h 30m', 5_400_000],
  ] as const)
    equal(durationMs(text), ms)
})

test('writes a duration in the largest unit that divides it', () => {
  for (const [ms, text] of [
    [0, '0ms'],
    [1500, '1500ms'],
    [30_000, '30s'],
    [5_400_000, '90m'],
    [172_800_000, '2d'],
  ] as const)
    equal(durationInWords(ms), text)
})

test('refuses anything else', () => {
  for (const bad of [
    '',
    '5',
    '5 m',
    'm',
    '-5m',
    '5M',
    'soon',
    Number.NaN,
    -1,
    1.5,
    Infinity,
    undefined,
    null,
    {},
    [],
  ])
    throws(
      () => durationMs(bad as Duration),
      (error: unknown) => isMillraceError(error, 'INVALID_DURATION'),
      JSON.stringify(bad),
    )
})
