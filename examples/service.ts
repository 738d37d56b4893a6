// Takes orders over HTTP and keeps a table of how many there are, and of how much, per customer and minute:
//   curl -d '{"customer":"ada","cents":1200}' localhost:8080
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'
import { createApp, isMillraceError, openLog, topic, tumbling, windowed } from '../src/index.ts'
import { deliver, duckdb } from '../src/connect/index.ts'
import { z } from 'zod'

const order = z.object({ customer: z.string(), cents: z.int() })
const orders = topic('orders', { key: z.string(), value: order, partitions: 4 })
const perMinute = topic('orders-per-minute', {
  key: windowed(z.string()),
  value: z.object({ orders: z.int(), cents: z.int() }),
})

const app = createApp('orders')
app
  .stream(orders)
  .groupByKey()
  .windowedBy(tumbling('1m'))
  .aggregate({ orders: 0, cents: 0 }, (sum, { cents }) => ({
    orders: sum.orders + 1,
    cents: sum.cents + cents,
  }))
  .emit('changes')
  .to(perMinute)

await using log = await openLog('./data')
const running = app.start({ log })
const delivery = deliver(
  log,
  perMinute,
  duckdb('warehouse.duckdb', {
    table: 'orders_per_minute',
    columns: {
      customer: 'key.key',
      minute: { from: 'key.start', type: 'TIMESTAMP' },
      orders: 'value.orders',
      cents: 'value.cents',
    },
  }),
)

// An order is acknowledged when it is on the disk.
const producer = log.producer(orders)
async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const value = order.parse(await json(request))
    await producer.send({ key: value.customer, value })
    response.writeHead(204).end()
  } catch (error) {
    response.writeHead(isMillraceError(error) ? 503 : 400).end(String(error))
  }
}
const server = createServer((request, response) => void take(request, response))
server.listen(Number(process.env['PORT'] ?? 8080), () => console.log('listening on', server.address()))

// Ctrl-C, or a supervisor's SIGTERM: commits, delivers what is committed, and exits with 0; the next start
// continues there. A failure of the app or of the delivery ends the program, too.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void running.stop())
await Promise.race([running.done, delivery.done])
server.close()
await delivery.finish()
