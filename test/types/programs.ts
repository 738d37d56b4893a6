/**
 * Programs that must not compile, each on a line marked `// wrong: …`, beside ones that must. `types.test.ts`
 * compiles this file and compares the lines that the compiler refuses with the marked ones.
 */
import { z } from 'zod'
import { csv, deliver, duckdb, publish, type Sink } from '../../src/connect/index.ts'
import {
  cumulative,
  listState,
  global,
  type Log,
  mapState,
  output,
  pattern,
  session,
  sliding,
  topic,
  tumbling,
  valueState,
  windowed,
  type Windows,
} from '../../src/index.ts'
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
const totalsTopic = topic('totals-of', { key: z.string(), value: z.number() })
const counts = topic('counts', { key: windowed(z.string()), value: z.int() })
const dates = topic('dates', { key: z.string(), value: z.iso.datetime().transform(text => new Date(text)) })

const app = new App('types')
const fromTopic = app.stream(flights)
const stream = fromTopic.filter(flight => flight !== null)
const hourly = stream.groupByKey().windowedBy(tumbling('1h')).count()

// A field that does not exist.
stream.filter(flight => flight.delay > 15)
stream.filter(flight => flight.delays > 15) // wrong: field
topic('f', { value: z.object({ at: z.int() }), timestamp: f => f.att }) // wrong: field of the timestamp

// A key of another type.
stream.map((flight, key) => [key?.length ?? 0, flight] as const).to(delays) // wrong: key
stream.selectKey(flight => flight.destination).to(delays)

// A join of streams with different keys.
stream.join(app.table(airports), (flight, airport) => airport.city + flight.delay)
stream.join(app.table(gates), flight => flight) // wrong: join
stream
  .selectKey(flight => flight.delay)
  .join(app.table(gates), (flight, gate) => gate.gate + flight.destination)
stream.leftJoin(app.table(airports), (_flight, airport) => airport.city) // wrong: a left join may meet null

// Streams are joined on keys of one type, within a time; a left or an outer join may meet null.
const taxied = app.stream(topic('taxied', { key: z.string(), value: z.object({ minutes: z.int() }) }))
stream
  .join(taxied, ({ delay }, { minutes }, key) => key.length + delay + minutes, { within: '5m' })
  .filter((n, key) => n > key.length)
stream.join(taxied, flight => flight) // wrong: no time
stream.join(taxied, flight => flight, { before: '5m' }) // wrong: half of a time
stream.join(app.stream(gates), flight => flight, { within: '5m' }) // wrong: key of the other stream
stream.leftJoin(taxied, ({ delay }, other) => delay + (other?.minutes ?? 0), { before: '-1m', after: '1h' })
stream.leftJoin(taxied, (_, { minutes }) => minutes, { within: '5m' }) // wrong: a left join of streams
stream.outerJoin(taxied, (one, other) => [one?.delay, other?.minutes], { within: 0, exclusive: 'after' })
stream.outerJoin(taxied, ({ delay }) => delay, { within: '5m' }) // wrong: either record may be missing
stream.outerJoin(taxied, (_one, _other, key) => key.length, { within: '5m' }) // wrong: key may be null
const met = stream.join(taxied, () => 1, { within: '5m' })
met.lateLeft().mapValues(flight => flight.delay)
met.lateRight().mapValues(taxi => taxi?.minutes)
met.lateRight().mapValues(taxi => taxi.minutes) // wrong: a late record may have no value

// Both sides of a window, or its pairs.
const side = stream.coGroup(taxied, tumbling('1h'))
side.emit('final').mapValues(({ left, right }) => left.length + (right[0]?.minutes ?? 0))
side.join(({ delay }, { minutes }, { key, end }) => key.length + end + delay + minutes).filter(n => n > 0)
side.leftJoin((_, { minutes }) => minutes) // wrong: a left join in windows
side.outerJoin(({ delay }) => delay) // wrong: either side may be missing
side.late().mapValues(late => late.delay) // wrong: a record of either stream
stream.coGroup(app.stream(gates), tumbling('1h')) // wrong: key of the other side
stream.coGroup(taxied, '1h') // wrong: a duration for windows

// A sink of another type.
stream.to(delays)
stream.mapValues(flight => flight.delay).to(delays) // wrong: value
stream.mapValues(({ delay }) => ({ delay })).to(delays) // wrong: a field is missing
hourly.emit('final').to(counts)
hourly.emit('final').to(delays) // wrong: windowed key
hourly.emit('sometimes') // wrong: policy

// Null occurs in the types: a record of a topic may have no value, or no key.
fromTopic.mapValues(flight => flight.delay) // wrong: value may be null
fromTopic.mapValues((_, key) => key.length) // wrong: key may be null
fromTopic.mapValues(flight => flight?.delay ?? 0)
fromTopic.to(delays)
fromTopic.selectKey(() => null).to(delays) // wrong: no keys
hourly
  .emit('changes')
  .toStream()
  .mapValues(count => count + 1) // wrong: a deletion
hourly
  .late()
  .mapValues(flight => flight.delay)
  .selectKey((_, key) => key.length)

// Null does not occur after operators that skip records without key or value: grouping, joins, tables.
fromTopic
  .groupByKey()
  .aggregate(0, (sum, flight, key) => sum + flight.delay + key.length)
  .mapValues(sum => sum + 1)
  .filter((sum, key) => sum > key.length)
fromTopic.groupBy(flight => flight.destination).reduce((a, b) => (a.delay > b.delay ? a : b))
fromTopic
  .toTable()
  .toStream()
  .groupByKey()
  .reduce((a, b) => (a.delay > b.delay ? a : b))
fromTopic.join(app.table(airports), (flight, airport, key) => airport.city + flight.delay + key.length)
fromTopic.leftJoin(app.table(airports), (flight, airport, key) => [flight.delay, airport?.city, key?.length])
fromTopic.leftJoin(app.table(airports), (_flight, _airport, key) => key.length) // wrong: key may be null

// Tables are joined on keys of one type; a left or an outer join may meet null.
const cities = app.table(airports)
const known = app.table(topic('known', { key: z.string(), value: z.int() }))
cities.join(known, ({ city }, n, key) => city.length + n + key.length).mapValues(n => n + 1)
cities.join(app.table(gates), ({ city }) => city) // wrong: key of the other table
cities.join(known, ({ city }, n) => (n > 1 ? null : city)).filter(city => city.length > 0)
cities.leftJoin(known, ({ city }, n) => city.length + (n ?? 0))
cities.leftJoin(known, (_city, n) => n + 1) // wrong: a left join of tables may meet null
cities.outerJoin(known, (city, n) => (city?.city.length ?? 0) + (n ?? 0))
cities.outerJoin(known, ({ city }) => city) // wrong: either side may be null

// A foreign key is a key of the other table; a left join may meet null.
const gateRows = app.table(gates)
const lengthOf = ({ city }: { readonly city: string }): number => city.length
const gateOf = (_: unknown, { gate }: { readonly gate: string }): string => gate
cities.join(gateRows, lengthOf, gateOf).filter((gate, key) => gate.length > key.length)
cities.leftJoin(
  gateRows,
  ({ city }) => (city === '' ? null : 1),
  gate => gate,
  { name: 'gates' },
)
cities.leftJoin(gateRows, lengthOf, ({ city }, row, key) => `${key} ${city} ${row?.gate}`)
cities.join(gateRows, ({ city }) => city, gateOf) // wrong: type of a foreign key
cities.leftJoin(gateRows, lengthOf, gateOf) // wrong: a left join by foreign key may meet null

// A join finds the same types in a table with history.
stream.join(app.table(airports, { history: '1h', allowedLateness: '5m' }), (_, { city }) => city.length)
app
  .table(airports, { history: '1h' })
  .filterNot(({ city }) => city === '')
  .late()
  .filter(airport => airport!.city !== '')
stream
  .join(app.table(airports, { history: '1h' }), (_, { city }) => city)
  .late()
  .filter(flight => flight.delay > 0)
stream.join(app.table(airports), (_, { city }) => city).late() // wrong: only a table with history has it
stream.toTable({ history: '1h', version: 2 }).filter(flight => flight.delay > 0)
app.table(airports, { history: '1' }) // wrong: duration of a history

// A table that is held back has the same rows.
cities.suppress('1m', { maxRecords: 100, whenFull: 'fail' }).mapValues(({ city }) => city.length)
cities.suppress('1m', { whenFull: 'drop' }) // wrong: what happens over a bound

// A global table is joined by any key of its type, and the stream keeps its own.
const everywhere = app.globalTable(gates)
fromTopic.join(everywhere, flight => flight.delay, gateOf).filter((_, key) => key === null)
stream
  .leftJoin(
    everywhere,
    () => null,
    (_, row) => row?.gate,
  )
  .selectKey((_, key) => key?.length)
stream.join(everywhere, flight => flight.destination, gateOf) // wrong: type of the key of a row
stream.leftJoin(everywhere, flight => flight.delay, gateOf) // wrong: a row that may be missing

// A grouped table has a group and a value for each row, and takes back what it added.
const byLength = cities.groupBy(({ city }, key) => [city.length, key])
byLength.count().filter((count, length) => count + length > 0)
byLength.reduce(
  (all, key) => all + key,
  (all, key) => all.replace(key, ''),
)
byLength.reduce((all, key) => all + key) // wrong: no subtractor
byLength.aggregate(
  0,
  (sum, key, length) => sum + key.length + length,
  (sum, key) => (sum > 9 ? null : sum - key.length),
)
cities.groupBy(({ city }) => city) // wrong: a group without a value
cities.groupBy(({ town }) => [town, 1]) // wrong: field of a row

stream.groupByKey().windowedBy(global()).count().emit({ everyRecords: 100 }).to(counts)
stream.groupByKey().windowedBy(global('1h')).count() // wrong: a size of global windows

stream
  .groupByKey()
  .windowedBy(tumbling('1h', { time: 'processing' }))
  .count()
sliding('1h', { time: 'processing' }) // wrong: sliding by the clock
tumbling('1h', { time: 'wall' }) // wrong: time of windows

// Discarded panes do not replace each other: they are a stream.
hourly.emit({ early: '1m', panes: 'discarding' }).to(counts)
hourly.emit({ early: '1m', panes: 'discarding' }).toStream() // wrong: not a table
hourly.emit({ early: '1m', panes: 'accumulating' }).toStream()
hourly.emit({ early: '1m', panes: 'some' }) // wrong: panes

// The largest values of each key, and the records of each session.
const best = stream.groupByKey().topN(3, ({ delay }, key) => delay + key.length)
best.mapValues(([first]) => first?.destination)
stream.groupByKey().topN(3, ({ destination }) => destination) // wrong: not a number
stream
  .groupByKey()
  .windowedBy(tumbling('1h'))
  .topN(3, flight => flight.delays) // wrong: field of a number
stream
  .groupByKey()
  .sessionize('30m', { allowedLateness: '1h' })
  .emit('final')
  .mapValues(records => records.map(({ value, timestamp }) => value.delay + timestamp))
stream.groupByKey().sessionize('30') // wrong: gap of sessionize

// Cogrouped streams have one type of key, and one aggregate; each function gets the values of its stream.
const cogrouped = fromTopic
  .groupByKey()
  .cogroup((sum: number, { delay }) => sum + delay)
  .cogroup(app.stream(airports).groupByKey(), (sum, { city }, key) => sum + city.length + key.length)
cogrouped.aggregate(0).mapValues(sum => sum + 1)
cogrouped.aggregate('') // wrong: the initial value of a cogroup
cogrouped.cogroup(app.stream(gates).groupByKey(), sum => sum) // wrong: key of a cogroup
cogrouped.cogroup(app.stream(airports).groupByKey(), (sum, { town }) => sum + town) // wrong: field of a cogroup
cogrouped.windowedBy(session('30m')).aggregate(0, (a, b) => a + b)
cogrouped.windowedBy(session('30m')).aggregate(0) // wrong: no merger of a cogroup
cogrouped
  .windowedBy(tumbling('1h'))
  .aggregate(0)
  .late()
  .mapValues(value => ('city' in value ? value.city : value.destination))
cogrouped.windowedBy(tumbling('1h')).aggregate(0).emit('final').to(counts)

// Merged streams have one type of key; the branches of a split are known by name.
fromTopic.merge(stream).to(delays)
stream.merge(app.stream(gates)) // wrong: another type of key
stream.merge(app.stream(airports)).mapValues(value => value?.city) // wrong: a field of one of the two
stream
  .merge(app.stream(airports), { name: 'both' })
  .mapValues(value => (value && 'city' in value ? value.city : 'none'))
const { late, others } = stream.split({ late: flight => flight.delay > 15 }, { rest: 'others' })
late.merge(others).to(delays)
stream.split({ late: flight => flight.delays > 15 }) // wrong: field of a branch
void stream.split({ late: flight => flight.delay > 15 }).others // wrong: no such branch
fromTopic.deduplicate('1h').selectKey((_, key) => key.length)
fromTopic
  .deduplicate('1h')
  .late()
  .selectKey((_, key) => key.length)
stream.deduplicate('1') // wrong: duration of duplicates
stream.repartition({ partitions: 4 }).filter(flight => flight.delay > 0)
stream.repartition(4) // wrong: count without a name

// Process knows the types of its states, timers and outputs, and of its other inputs.
const { alerts, totals: sumsOf } = fromTopic.process({
  state: {
    last: valueState<number>({ ttl: '1h' }),
    seen: mapState<string, Date>(),
    all: listState<number>(),
  },
  outputs: { alerts: output<{ text: string }>(), totals: output<number>() },
  timers: {
    forget: (key, { state, emit }) => (state.last.clear(), emit.alerts({ text: key })),
    remind: { time: 'processing', fire: (_key, { timers, now }) => timers.forget.set(now()) },
  },
  inputs: {
    cities: {
      from: app.stream(airports),
      onRecord: (city, key, { emit }) => emit.alerts({ text: city?.city ?? key }),
    },
  },
  onRecord(flight, key, { state, timers, emit, timestamp }) {
    state.last.set((state.last.get() ?? 0) + (flight?.delay ?? 0) + key.length)
    state.seen.set(key, new Date(timestamp))
    state.all.push(1)
    timers.forget.set(timestamp)
    emit.totals(state.all.values().length)
    emit.totals('1') // wrong: value of an output
    emit.total(1) // wrong: no such output
    state.last.set('1') // wrong: value of a state
    void state.lost // wrong: no such state
    timers.remember.set(1) // wrong: no such timer
    state.seen.get(1) // wrong: key of a map
    void flight.delay // wrong: the value may be null
  },
})
fromTopic.process({
  broadcast: { known, cities },
  outputs: { out: output<number>() },
  onRecord(_flight, key, { broadcast, emit }) {
    emit.out(broadcast.known.get(key) ?? 0)
    for (const [name, { city }] of broadcast.cities.entries()) emit.out(name.length + city.length)
    broadcast.cities.get(1) // wrong: key of a table that every task has
    void broadcast.gates // wrong: no such table
  },
})

stream.mapAsync(async ({ delay }) => await Promise.resolve(delay)).filter(delay => delay > 0)
stream.mapAsync(({ delay }) => delay, { capacity: 5, timeout: '2s' }).to(totalsTopic)
stream.mapAsync(async ({ delays }) => delays) // wrong: field of an asynchronous function
stream.mapAsync(async ({ delay }) => delay, { parallel: 5 }) // wrong: option of mapAsync

// A match has the records of each step, by its name.
const { matches, timedOut } = stream.match(one =>
  one
    .begin('early', flight => flight.delay < 0)
    .followedBy('late', (flight, { early }) => flight.delay > 0 && early.length > 0)
    .oneOrMore()
    .next('none')
    .optional()
    .within('1h'),
)
matches.filter(
  ({ early: [first], late, none }, key) => first.delay + late[0].delay + none.length > key.length,
)
matches.filter(({ none: [one] }) => one.delay > 0) // wrong: an optional step may have none
matches.filter(({ middle }) => middle.length > 0) // wrong: no such step
timedOut.filter(({ late }) => (late[0]?.delay ?? 0) > 0)
timedOut.filter(({ late }) => late[0].delay > 0) // wrong: it may have none
stream.match(one => one.begin('a', flight => flight.delays > 0)) // wrong: field of a condition
stream.match(one => one.begin('a').next('b', (_, { c }) => c.length > 0)) // wrong: no such step in a condition
stream.match(one => one.begin('a'), { afterMatch: { skipToFirst: 'b' } }) // wrong: no such step to skip to
const gatePattern = pattern<{ gate: string }>().begin('gate', ({ gate }) => gate !== '')
app
  .stream(gates)
  .match(gatePattern)
  .late()
  .mapValues(({ gate }) => gate)
stream.match(gatePattern) // wrong: a pattern of other records
alerts.filter(({ text }, key) => text.length > key.length)
sumsOf.to(totalsTopic)
alerts.to(totalsTopic) // wrong: values of an output
fromTopic.process({ onRecord: () => {} }) // wrong: no outputs
fromTopic.process({
  outputs: { out: output<number>() },
  inputs: { gates: { from: app.stream(gates), onRecord: () => {} } }, // wrong: another type of key
  onRecord: () => {},
})
stream.flatMapValues(flight => [flight.delay]).filter(delay => delay > 0)
stream.flatMapValues(flight => flight.delay) // wrong: not iterable
stream.forEach(flight => flight.delay).to(delays) // wrong: nothing comes after forEach

// An aggregate must not be changed: the function returns a new one, or null to delete it.
const grouped = fromTopic.groupByKey()
const totals = topic('totals', { key: z.string(), value: z.int() })
grouped.aggregate(0, (sum, { delay }) => (delay < 0 ? null : sum + delay)).to(totals)
grouped.aggregate(null as number | null, (max, { delay }) => Math.max(max ?? 0, delay)).to(totals)
grouped.aggregate([] as number[], (list, { delay }) => (delay > 0 ? [...list, delay] : list))
grouped.aggregate([] as number[], (list, { delay }) => (list.push(delay), list)) // wrong: changed
grouped.aggregate({ n: 0 }, sum => ((sum.n += 1), sum)) // wrong: changed
grouped.reduce((_, b) => (b.delay < 0 ? null : b))
grouped.aggregate({ n: 0 }, sum => ({ m: sum.n })) // wrong: another aggregate
grouped.windowedBy(session('30m')).aggregate(
  { n: 0 },
  sum => ({ n: sum.n + 1 }),
  (left, right) => ((left.n += right.n), left), // wrong: changed
)

// Windows whose kind is known only when the program runs.
declare const anyWindows: Windows
grouped.windowedBy(anyWindows).count().emit('final').to(counts)
grouped.windowedBy(tumbling('1h')).aggregate({ n: 0 }, sum => ({ n: sum.n + 1 }))
grouped
  .windowedBy(cumulative({ size: '1d', step: '1h' }))
  .count()
  .emit('final')
  .to(counts)
cumulative({ size: '1d' }) // wrong: no step
grouped.windowedBy(tumbling('1h')).count().emit({ early: '1m', time: 'event' }).to(counts)
grouped.windowedBy(tumbling('1h')).count().emit({ early: '1m', time: 'wall' }) // wrong: no such time
grouped.windowedBy(sliding('1h')).count().emit({ everyRecords: 100 }).to(counts)
grouped.windowedBy(sliding('5m')).count().emit('final').to(counts)
sliding('5m', { offset: '1m' }) // wrong: no sliding window has an offset
grouped.windowedBy('1h') // wrong: a duration

// The output of a schema's transform can be read, but not written back.
app.stream(dates).mapValues(date => date?.getTime() ?? null)
app.stream(dates).to(dates) // wrong: transformed

grouped
  .windowedBy(session(({ delay }) => (delay > 0 ? '5m' : '1h')))
  .count()
  .emit('final')
  .to(counts)
session((delay: number) => delay > 5) // wrong: no duration
grouped.windowedBy(session((text: string) => text.length)) // wrong: other values

// A session needs a function that merges two aggregates.
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

// Inputs and outputs: records that are sent, published and delivered must match the topic.
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

// Records that are read may have no value, or no key; a topic without keys has no keys.
const readsOne = log.consumer(delays)
for await (const { key, value, headers } of readsOne) {
  if (value === null || key === null) continue
  void (key.length + value.delay + headers.length)
}
for await (const { value } of readsOne) void value.delay // wrong: the value of a consumed record may be null
for await (const { key } of readsOne) void key.length // wrong: its key, too
void readsOne.seekToTime(new Date())
void readsOne.seek('0', 1) // wrong: partition
log.consumer(delays, { from: new Date(), group: 'g', rebalanceTimeout: '5m' })
log.consumer(delays, { group: 'g', instanceId: 'i', sessionTimeout: '20s', assignors: ['range'] })
log.consumer(delays, { group: 'g', assignors: ['millrace'] }) // wrong: the assignor of apps
log.consumer(delays, { from: 'begining' }) // wrong: where to begin
log.consumer(delays, { groupId: 'g' }) // wrong: option of a consumer
log.consumer('delays') // wrong: a name for a topic
log.producer(delays, { batchByte: 1 }) // wrong: option of a producer
void log
  .producer(delays)
  .send({ key: 'DFW', value: null, headers: [{ key: 'trace', value: 'text' }], timestamp: 1 })
void log.producer(delays).send({ key: 'DFW', value: null, headers: { trace: 'x' } }) // wrong: headers
