import { createApp, topic, tumbling, windowed } from '../src/index.ts'
import { z } from 'zod'

const flight = z.object({ delay: z.int(), departure: z.int() })
const hourOfDelays = z.object({ city: z.string(), flights: z.int(), delay: z.int() })

export const flights = topic('flights', {
  key: z.string(), // the origin
  value: flight,
  timestamp: ({ departure }) => departure,
  watermark: { outOfOrderness: '10m' },
  onError: { deadLetter: 'flights-refused' },
})
export const airports = topic('airports', { key: z.string(), value: z.object({ city: z.string() }) })
export const delays = topic('delays', { key: windowed(z.string()), value: hourOfDelays })
export const tooLate = topic('too-late', { key: z.string(), value: z.object({ delay: z.int() }) })

// Minutes of delay per origin and hour: every second while the hour is open, on time, and corrected for two
// hours after.
export const app = createApp('delays')
const hours = app
  .stream(flights)
  .join(app.table(airports), ({ delay }, { city }) => {
    if (delay > 24 * 60) throw new RangeError(`a delay of ${delay} minutes`)
    return { city, delay }
  })
  .groupByKey()
  .windowedBy(tumbling('1h', { allowedLateness: '2h' }))
  .aggregate({ city: '', flights: 0, delay: 0 }, (sum, { city, delay }) => ({
    city,
    flights: sum.flights + 1,
    delay: sum.delay + delay,
  }))
hours.emit({ early: '1s' }).to(delays)
hours
  .late()
  .mapValues(({ delay }) => ({ delay }))
  .to(tooLate)
