/**
 * Programs that must not compile, each on a line marked `// wrong: …`, beside ones that must. `types.test.ts` compiles this file and
 * compares the lines that the compiler refuses with the marked ones.
 */
import { z } from 'zod'
import { csv, deliver, duckdb, publish, type Sink } from '../../src/connect/index.ts'
import { type Log, session, topic, tumbling, windowed } from '../../src/index.ts'
import { App } from '../../src/stream/index.ts'

const flights = topic('flights', {
  key: z.string(),
  value: z.object({ destination: z.string(), delay: z.int() }),
  timestamp: flight => flight.delay,
})
const airports = topic('airports', { key: z.string(), value: z.object({ city: z.string() }) })
const gates = topic('gates', { key: z.int(), value: z.object({ gate: z.string() }) })
const delays = topic('delays', {
  key: z.string(),
  value: z.object({ destination: z.string(), delay: z.int() }),
})
const counts = topic('counts', { key: windowed(z.string()), value: z.int() })
const dates = topic('dates', { key: z.string(), value: z.iso.datetime().transform(text => new Date(text)) })

const app = new App('types')
const stream = app.stream(flights)
const hourly = stream.groupByKey().windowedBy(tumbling('1h')).count()

// A field that is not there.
stream.filter(flight => flight.delay > 15)
stream.filter(flight => flight.delays > 15) // wrong: field
topic('f', { value: z.object({ at: z.int() }), timestamp: f => f.att }) // wrong: field of the timestamp

// A key of another type.
stream.map((flight, key) => [key.length, flight] as const).to(delays) // wrong: key
stream.selectKey(flight => flight.destination).to(delays)

// A join of streams with different keys.
stream.join(app.table(airports), (flight, airport) => airport.city + flight.delay)
stream.join(app.table(gates), flight => flight) // wrong: join
stream
  .selectKey(flight => flight.delay)
  .join(app.table(gates), (flight, gate) => gate.gate + flight.destination)
stream.leftJoin(app.table(airports), (_flight, airport) => airport.city) // wrong: a left join may meet null

// A sink of another type.
stream.to(delays)
stream.mapValues(flight => flight.delay).to(delays) // wrong: value
stream.mapValues(({ delay }) => ({ delay })).to(delays) // wrong: a field is missing
hourly.emit('final').to(counts)
hourly.emit('final').to(delays) // wrong: windowed key
hourly.emit('sometimes') // wrong: policy

// What a schema transforms can be read, not written back.
app.stream(dates).mapValues(date => date.getTime())
app.stream(dates).to(dates) // wrong: transformed

// A session has to say how two become one.
stream
  .groupByKey()
  .windowedBy(session('30m'))
  .aggregate(0, n => n + 1) // wrong: merge
stream
  .groupByKey()
  .windowedBy(session('30m'))
  .aggregate(
    0,
    n => n + 1,
    (a, b) => a + b,
  )

// A duration without a unit.
tumbling('1') // wrong: duration

// In and out: what is sent, published and delivered has to be what the topic holds.
declare const log: Log
void log.producer(delays).send({ key: 'DFW', value: { destination: 'ORD', delay: 1 } })
void log.producer(delays).send({ key: 1, value: { destination: 'ORD', delay: 1 } }) // wrong: key of a record
void log.producer(delays).send({ key: 'DFW', value: { destination: 'ORD' } }) // wrong: value of a record
void log.producer(delays).send({ value: { destination: 'ORD', delay: 1 } }) // wrong: no key
const rows = csv('flights.csv', { columns: { origin: 'string', destination: 'string', delay: 'integer' } })
void publish(log.port, delays, rows, { key: row => row.origin })
void publish(log.port, delays, rows, { key: row => row.delay }) // wrong: key of a row
void publish(log.port, delays, rows) // wrong: no key
void deliver(
  log.port,
  delays,
  duckdb('w.duckdb', { table: 't', columns: { origin: 'key', minutes: 'value.delay' } }),
)
void deliver(log.port, delays, duckdb('w.duckdb', { table: 't', columns: { minutes: 'value.minutes' } })) // wrong: column of a sink
declare const counter: Sink<string, number>
void deliver(log.port, delays, counter) // wrong: sink of another value
