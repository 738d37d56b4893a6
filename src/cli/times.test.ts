import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timeOf } from './times.ts'

test('parses ISO 8601 times of days that exist, in UTC by default', () => {
  const at = Date.UTC(2001, 5, 14, 11)
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['2001-06-14', Date.UTC(2001, 5, 14)],
    ['2001-06-14T11:00', at],
    ['2001-06-14T11:00Z', at],
    ['2001-06-14T11:00:00.250Z', at + 250],
    ['2001-06-14T13:00:00+02:00', at],
    ['2000-02-29', Date.UTC(2000, 1, 29)],
    ['2001-02-29', undefined],
    ['2001-02-30T00:00Z', undefined],
    ['2001-13-01', undefined],
    ['2001-06-14T25:00', undefined],
    ['2001-06-14 11:00', undefined],
    ['2001-06-14x', undefined],
    ['1969-12-31', undefined],
    ['-1', undefined],
    ['June 2001', undefined],
    ['', undefined],
  ]
  for (const [text, time] of cases) assert.equal(timeOf(text), time, text)
})
