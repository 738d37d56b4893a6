/** The functions of case.ts in millrace. */
import {
  listState,
  mapState,
  output,
  type Stream,
  type Table,
  valueState,
} from '../../../src/stream/index.ts'
import type { ExpiringCase, TimersCase } from './case.ts'

export function sumUntilTimer(stream: Stream<string, number>, { time }: TimersCase): Stream<string, number> {
  return stream.process({
    state: { sum: valueState<number>() },
    outputs: { sums: output<number>() },
    timers: {
      due: {
        time,
        fire: (_, { state, emit }) => {
          emit.sums(state.sum.get() ?? 0)
          state.sum.set(0)
        },
      },
    },
    onRecord: (value, _, { state, timers: { due }, timestamp, now }) => {
      state.sum.set((state.sum.get() ?? 0) + value)
      due.set((time === 'processing' ? now() : timestamp) + value)
    },
  }).sums
}

export function expiring(stream: Stream<string, number>, { ttl }: ExpiringCase): Stream<string, string> {
  const options = { ttl, time: 'processing' } as const
  return stream.process({
    state: {
      count: valueState<number>(options),
      seen: mapState<number, number>(options),
      values: listState<number>(options),
    },
    outputs: { results: output<string>() },
    onRecord: (value, _, { state: { count, seen, values }, emit }) => {
      count.set((count.get() ?? 0) + 1)
      const kind = value % 3
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
      values.push(value)
      const all = values.values().join(', ')
      emit.results(`${count.get()} ${seen.get(kind)} of ${seen.entries().length} [${all}]`)
    },
  }).results
}

export function priced(
  pieces: Stream<string, number>,
  prices: Stream<string, number>,
): Stream<string, string> {
  return pieces.process({
    state: { price: valueState<number>(), waiting: listState<number>(), seen: mapState<number, number>() },
    outputs: { results: output<string>() },
    timers: {
      due: (_, { state, emit }) => {
        emit.results(`overdue ${state.waiting.values().length}`)
        state.waiting.clear()
        state.price.clear()
      },
    },
    inputs: {
      prices: {
        from: prices,
        onRecord: (price, _, { state, emit }) => {
          state.price.set(price)
          for (const each of state.waiting.values()) emit.results(`${each * price} late`)
          state.waiting.clear()
          if (price % 3 === 0) state.seen.delete(price)
        },
      },
    },
    onRecord: (count, _, { state, timers: { due }, emit, timestamp }) => {
      const times = (state.seen.get(count) ?? 0) + 1
      state.seen.set(count, times)
      const price = state.price.get()
      if (price !== undefined) return emit.results(`${count * price} for the time ${times}`)
      state.waiting.push(count)
      due.set(timestamp + count)
    },
  }).results
}

export function rules(stream: Stream<string, number>, limits: Table<string, number>): Stream<string, string> {
  return stream.process({
    state: { above: valueState<number>() },
    outputs: { results: output<string>() },
    broadcast: { limits },
    onRecord: (value, _, { state, broadcast, emit }) => {
      const names = broadcast.limits.entries().flatMap(([name, limit]) => (value > limit ? [name] : []))
      const above = (state.above.get() ?? 0) + names.length
      state.above.set(above)
      emit.results(`${names.toSorted().join('')} of ${above}`)
    },
  }).results
}
