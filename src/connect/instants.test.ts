import assert from 'node:assert/strict'
import { test } from 'node:test'
import { millisOfInstant } from './instants.ts'

const at = Date.UTC(2001, 5, 14, 6, 30)
for (const [text, expected] of [
  // C6: as Postgres writes it.
  ['2001-06-14 08:30:00+02', at],
  ['2001-06-14 08:30:00.000000+02', at],
  ['2001-06-14 12:00:00+05:30', at],
  ['2001-06-14 12:00:00+0530', at],
  ['2001-06-13 21:30:00-09', at],
  ['2001-06-14 06:30:00 UTC', at],
  ['2001-06-14 06:30:00 GMT', at],
  ['2001-06-14T06:30:00Z', at],
  ['2001-06-14t06:30z', at],
  ['2001-06-14 06:30', at],
  ['2001-06-14 08:30:00 +02:00', at],
  ['2001-06-14', Date.UTC(2001, 5, 14)],
  ['1969-12-31T23:59:59.9999', -1],
  ['2001-06-14 08:30:00+2', undefined],
  ['2001-06-14 08:30:00+24', undefined],
  ['2001-06-14 08:30:00+02:60', undefined],
  ['2001-06-14 08:30:00 CEST', undefined],
  ['2001-06-14 08:30:00  UTC', undefined],
  ['2001-06-14UTC', undefined],
  ['2001-06-14Z', undefined],
  ['2001-06-14 ', undefined],
  [' 2001-06-14', undefined],
  ['2001-06-14 24:00:00', undefined],
  ['2001-06-31', undefined],
  ['2001-6-14', undefined],
  ['14.06.2001', undefined],
  ['992500200000', undefined],
  ['infinity', undefined],
  ['', undefined],
] as const)
  test(`${JSON.stringify(text)} is ${expected ?? 'not a time'}`, () => {
    assert.equal(millisOfInstant(text), expected)
  })
