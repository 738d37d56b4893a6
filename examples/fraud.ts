import { createApp, sliding, topic } from '../src/index.ts'
import { z } from 'zod'

const payment = z.object({ cents: z.int(), country: z.string(), at: z.int() })
const alert = z.object({ rule: z.string(), evidence: z.array(z.string()) })

export const payments = topic('payments', {
  key: z.string(), // the card
  value: payment,
  timestamp: ({ at }) => at,
  watermark: { outOfOrderness: '500ms', idleAfter: '1s' },
})
export const alerts = topic('fraud-alerts', { key: z.string(), value: alert })

export const app = createApp('fraud')
const byCard = app
  .stream(payments)
  .filter(value => value !== null)
  .selectKey((_, card) => card ?? 'unknown')

// A card that is used in three countries within a minute. Each set of payments within a minute is a window;
// the first one that shows it raises the alert, and others within the minute do not.
const abroad = byCard
  .groupByKey()
  .windowedBy(sliding('1m'))
  .aggregate([] as string[], (countries, { country }) =>
    countries.includes(country) ? countries : [...countries, country],
  )
  .emit('changes')
  .toStream()
  .filter(countries => countries !== null && countries.length >= 3)
  .map((countries, { key }) => [key, { rule: 'three countries', evidence: countries ?? [] }] as const)
  .deduplicate('1m')

// A card that is tried with a small amount, and then used for a large one within a minute: whatever comes in
// between, in the order of the payments' own times.
const drained = byCard
  .match(pattern =>
    pattern
      .begin('small', ({ cents }) => cents < 200)
      .followedBy('large', ({ cents }) => cents > 50_000)
      .within('1m'),
  )
  .matches.mapValues(({ small, large }) => ({
    rule: 'small, then large',
    evidence: [...small, ...large].map(({ cents }) => `${cents / 100}`),
  }))

abroad.merge(drained).to(alerts)
