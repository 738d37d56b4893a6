/** Transform: one app, exactly once. */
import { createApp, session, tumbling, type RunnableApp } from '../../src/index.ts'
import { airports, alerts, arrivalsByDay, delaysByHour, flights, storms } from './topics.ts'

/**
 * A flight lands up to 36 hours out of order; the watermark allows 6. With this lateness no flight is
 * dropped.
 */
const allowedLateness = '48h'
const delayedMinutes = 15

export const app: RunnableApp = createApp('flight-delays')

const departures = app.stream(flights)

const hours = departures
  .join(app.table(airports), ({ delay }, airport) => ({ delay, airport }), { name: 'with-airport' })
  .groupByKey()
  .windowedBy(tumbling('1h', { allowedLateness }))
  .aggregate(
    { flights: 0, minutes: 0, max: -Infinity, late: 0, airport: { name: '', city: '', state: '' } },
    (hour, { delay, airport }) => ({
      flights: hour.flights + 1,
      minutes: hour.minutes + delay,
      max: Math.max(hour.max, delay),
      late: hour.late + (delay > delayedMinutes ? 1 : 0),
      airport,
    }),
    { name: 'hours' },
  )

// One operator answers early while the hour is open, on time when it closes, and again for each late flight.
hours
  .emit({ early: '1s' })
  .mapValues(hour => ({
    airport: hour.airport.name,
    city: hour.airport.city,
    state: hour.airport.state,
    flights: hour.flights,
    mean_delay: hour.minutes / hour.flights,
    max_delay: hour.max,
    late_share: hour.late / hour.flights,
  }))
  .to(delaysByHour)

// A table: if a late flight takes an hour below the threshold, its alert is taken back.
hours
  .emit('final')
  .mapValues(hour => ({ flights: hour.flights, mean_delay: hour.minutes / hour.flights }))
  .filter(hour => hour.flights >= 20 && hour.mean_delay > 90)
  .to(alerts)

departures
  .groupBy(flight => flight.destination, { name: 'by-destination' })
  .windowedBy(tumbling('1d', { allowedLateness }))
  .count({ name: 'arrivals' })
  .emit('final')
  .mapValues(arrivals => ({ flights: arrivals }))
  .to(arrivalsByDay)

departures
  .filter(flight => flight !== null && flight.delay > delayedMinutes)
  .groupByKey()
  .windowedBy(session('30m', { allowedLateness }))
  .aggregate(
    { flights: 0, max_delay: -Infinity },
    (storm, { delay }) => ({ flights: storm.flights + 1, max_delay: Math.max(storm.max_delay, delay) }),
    (left, right) => ({
      flights: left.flights + right.flights,
      max_delay: Math.max(left.max_delay, right.max_delay),
    }),
    { name: 'storms' },
  )
  .emit('final')
  .to(storms)
