import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs, text, topic } from '../src/index.ts'
import { testApp } from '../src/testing/index.ts'
import { airports, app, delays, flights, tooLate } from './delays.ts'

const at = (time: string): number => Date.parse(`2001-06-14T${time}Z`)
const flight = (departure: string, delay: number) => ({
  key: 'DFW',
  value: { delay, departure: at(departure) },
})

/** The app, with one airport known. */
function withDallas() {
  const run = testApp(app)
  run.input(airports).push({ key: 'DFW', value: { city: 'Dallas' } })
  return run
}

test('an hour is counted when the watermark has passed its end', () => {
  const run = withDallas()
  run.input(flights).push(flight('11:05', 42), flight('11:50', 97))
  deepEqual(run.output(delays).read(), [])

  // Ten minutes past the hour: a record within `outOfOrderness` cannot be from before 12:00 any more.
  run.input(flights).push(flight('12:10', 0))
  deepEqual(run.output(delays).read(), [
    {
      key: { key: 'DFW', start: at('11:00'), end: at('12:00') },
      value: { city: 'Dallas', flights: 2, delay: 139 },
      timestamp: at('12:00') - 1,
      pane: 'on-time',
    },
  ])
})

test('while the hour is open, early results come every second', () => {
  const run = withDallas()
  run.input(flights).push(flight('11:05', 42))
  run.advanceWallClock(durationMs('1s'))
  const [early] = run.output(delays).read()
  deepEqual([early?.pane, early?.value], ['early', { city: 'Dallas', flights: 1, delay: 42 }])
})

test('a late flight corrects its hour; one that is too late goes to another topic', () => {
  const run = withDallas()
  run.input(flights).push(flight('11:05', 42))
  run.advanceTime(at('13:59'))
  run.output(delays).read()

  run.input(flights).push(flight('11:59', 8))
  const [correction] = run.output(delays).read()
  deepEqual([correction?.pane, correction?.value?.delay], ['late', 50])

  run.advanceTime(at('14:00'))
  run.input(flights).push(flight('11:59', 1000))
  deepEqual(run.output(delays).read(), [])
  deepEqual(run.output(tooLate).read(), [{ key: 'DFW', value: { delay: 1000 }, timestamp: at('11:59') }])
  equal(run.metrics.results.late, 1)
})

test('a flight is joined to the airport as known when the flight comes', () => {
  const run = testApp(app)
  run.input(flights).push(flight('11:05', 1))
  run.input(airports).push({ key: 'DFW', value: { city: 'Dallas' } })
  run.input(flights).push(flight('11:06', 2))
  run.input(airports).push({ key: 'DFW', value: null })
  run.input(flights).push(flight('11:07', 4))
  run.advanceTime(Infinity)
  const [hour] = run.output(delays).read()
  deepEqual(hour?.value, { city: 'Dallas', flights: 1, delay: 2 })
})

test('a record that cannot be processed becomes a dead letter, with the reason', () => {
  const run = withDallas()
  run.input(flights).push(flight('11:05', 3000))
  // The same topic by its name, under a schema that lets anything through.
  run.input(topic('flights', { key: text(), value: text() })).push({ key: 'DFW', value: '{"delay":"long"}' })
  const [failed, malformed] = run.deadLetters()
  match(failed?.reason ?? '', /a delay of 3000 minutes/)
  deepEqual([malformed?.to, malformed?.value], ['flights-refused', '{"delay":"long"}'])
  deepEqual(run.metrics.dropped, {
    late: 0,
    idle: 0,
    'not-sampled': 0,
    unmatched: 0,
    duplicate: 0,
    'null-key': 0,
    'null-value': 0,
    malformed: 1,
    failed: 1,
  })

  // The app continues with the next record.
  run.input(flights).push(flight('11:06', 7))
  run.advanceTime(Infinity)
  equal(run.output(delays).read()[0]?.value?.delay, 7)
})
