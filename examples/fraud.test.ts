import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { testApp } from '../src/testing/index.ts'
import { alerts, app, payments } from './fraud.ts'

/** Payments of a day, as `12:00:05 4929-1 DE 4.20`: what a till sends, in the order in which it comes. */
function alertsOf(...lines: readonly string[]): string[] {
  const run = testApp(app)
  for (const line of lines) {
    const [time = '', card = '', country = '', amount] = line.split(' ')
    const at = Date.parse(`2026-03-14T${time}Z`)
    const cents = Math.round(Number(amount) * 100)
    run.input(payments).push({ key: card, value: { cents, country, at } })
  }
  // Other cards are used, and time passes.
  run.advanceTime(Date.parse('2026-03-14T13:00Z'))
  return run
    .output(alerts)
    .read()
    .map(({ key, value }) => `${key} ${value?.rule}: ${value?.evidence.join(' ')}`)
}

test('three countries within a minute raise one alert, with the payment that shows it', () => {
  deepEqual(
    alertsOf(
      '12:00:05 4929-1 DE 4.20',
      '12:00:08 5204-7 FR 61.00',
      '12:00:31 4929-1 BR 310.00',
      '12:00:40 4929-1 DE 2.80',
      '12:01:04 4929-1 SG 280.00',
      '12:01:05 4929-1 SG 280.00',
    ),
    ['4929-1 three countries: DE BR SG'],
  )
})

test('countries that are further apart, or of several cards, raise none', () => {
  deepEqual(
    alertsOf(
      '12:00:05 4929-1 DE 4.20',
      '12:00:31 4929-1 FR 12.00',
      '12:01:06 4929-1 CH 9.90',
      '12:01:07 5204-7 IT 9.90',
    ),
    [],
  )
})

test('a payment that comes late, by less than half a second, counts at its own time', () => {
  deepEqual(alertsOf('12:00:05 4929-1 DE 4.20', '12:00:31 4929-1 BR 310.00', '12:00:30.6 4929-1 SG 280.00'), [
    '4929-1 three countries: DE BR SG',
  ])
})

test('a small payment and a large one within a minute raise an alert; the large one first does not', () => {
  deepEqual(
    alertsOf(
      '12:00:05 4929-1 DE 1.00',
      '12:00:30 4929-1 DE 990.00',
      '12:05:00 5204-7 FR 990.00',
      '12:05:10 5204-7 FR 1.00',
      '12:06:30 5204-7 FR 990.00',
    ),
    ['4929-1 small, then large: 1 990'],
  )
})

test('an alert for countries comes with the payment, without a wait', () => {
  const run = testApp(app)
  const at = Date.parse('2026-03-14T12:00Z')
  for (const [n, country] of ['DE', 'BR', 'SG'].entries())
    run.input(payments).push({ key: '4929-1', value: { cents: 1000, country, at: at + n } })
  deepEqual(run.output(alerts).read().length, 1)
})
