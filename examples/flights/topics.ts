/** The topics of the demo: two in, four out. Times are ms since the epoch, in UTC. */
import { z } from 'zod'
import { topic, windowed } from '../../src/index.ts'

export const partitions = 6

/**
 * Keyed by origin. 191 flights are exact duplicates of others, so its row in the file identifies a flight.
 */
export const flights = topic('flights', {
  key: z.string(),
  value: z.object({
    row: z.int(),
    departure: z.int(),
    delay: z.int(),
    distance: z.int(),
    destination: z.string(),
  }),
  partitions,
  timestamp: flight => flight.departure,
  watermark: { outOfOrderness: '6h' },
})

/** Keyed by the airport's code; with as many partitions as the flights, for the join. */
export const airports = topic('airports', {
  key: z.string(),
  value: z.object({ name: z.string(), city: z.string(), state: z.string() }),
  partitions,
})

export const delaysByHour = topic('delays-by-hour', {
  key: windowed(z.string()),
  value: z.object({
    airport: z.string(),
    city: z.string(),
    state: z.string(),
    flights: z.int(),
    mean_delay: z.number(),
    max_delay: z.int(),
    late_share: z.number(),
  }),
  partitions,
})

export const arrivalsByDay = topic('arrivals-by-day', {
  key: windowed(z.string()),
  value: z.object({ flights: z.int() }),
  partitions,
})

export const alerts = topic('alerts', {
  key: windowed(z.string()),
  value: z.object({ flights: z.int(), mean_delay: z.number() }),
  partitions,
})

export const storms = topic('storms', {
  key: windowed(z.string()),
  value: z.object({ flights: z.int(), max_delay: z.int() }),
  partitions,
})
