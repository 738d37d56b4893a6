import { createApp, openLog, topic, tumbling, windowed } from '../src/index.ts'
import { z } from 'zod'

const flights = topic('flights', {
  key: z.string(), // the origin
  value: z.object({ delay: z.int(), departure: z.int() }),
  timestamp: flight => flight.departure,
})
const delays = topic('delays-by-hour', {
  key: windowed(z.string()),
  value: z.object({ flights: z.int(), delay: z.int() }),
})

// Publish, as with any Kafka client.
await using log = await openLog('./data')
const producer = log.producer(flights)
await producer.send({ key: 'DFW', value: { delay: 42, departure: Date.UTC(2001, 5, 14, 11, 5) } })
await producer.send({ key: 'DFW', value: { delay: 97, departure: Date.UTC(2001, 5, 14, 11, 50) } })
await producer.send({ key: 'ORD', value: { delay: -3, departure: Date.UTC(2001, 5, 14, 12, 15) } })

// Process, exactly once: flights and minutes of delay per origin and hour.
const app = createApp('airport-delays')
app
  .stream(flights)
  .groupByKey()
  .windowedBy(tumbling('1h'))
  .aggregate({ flights: 0, delay: 0 }, (sum, flight) => ({
    flights: sum.flights + 1,
    delay: sum.delay + flight.delay,
  }))
  .emit('final')
  .to(delays)
await app.run({ log, until: 'end' })

// Subscribe. Without a value, a record deletes what its key had.
for await (const { key, value } of log.consumer(delays, { until: 'end' })) {
  if (!key || !value) continue
  console.log(new Date(key.start).toISOString(), key.key, `${value.flights} flights, ${value.delay} minutes`)
}
