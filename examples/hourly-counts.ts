import { createApp, topic, tumbling, windowed } from '../src/index.ts'
import { z } from 'zod'

/** Failures of one service in one hour that somebody must look at. */
export const limit = 100

export const requests = topic('requests', {
  key: z.string(), // the service
  value: z.object({ status: z.int(), at: z.int() }),
  timestamp: ({ at }) => at,
  watermark: { outOfOrderness: '1m', idleAfter: '5m' },
})
export const failures = topic('failures-by-hour', { key: windowed(z.string()), value: z.int() })
export const alerts = topic('failure-alerts', { key: windowed(z.string()), value: z.string() })

export const app = createApp('hourly-counts')
const hours = app
  .stream(requests)
  .filter(request => request !== null && request.status >= 500)
  .groupByKey()
  .windowedBy(tumbling('1h', { allowedLateness: '2h' }))
  .count()

// Each hour once it is over, and again for failures that are reported up to two hours later.
hours.emit('final').to(failures)
// An alert in the moment in which the count reaches the limit, and so once for each hour.
hours
  .emit('changes')
  .toStream()
  .filter(count => count === limit)
  .mapValues((_, { key }) => `${limit} requests to ${key} have failed within an hour`)
  .to(alerts)
