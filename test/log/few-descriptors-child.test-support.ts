/**
 * A program that uses many partitions under a low limit of open files; few-descriptors.test.ts starts it.
 * Prints the sum of what it read.
 */
import process from 'node:process'
import { json, openLog, text, topic } from '../../src/index.ts'

const [path = '', durability, partitions] = process.argv.slice(2)
const orders = topic('orders', { key: text(), value: json<number>(), partitions: Number(partitions) })

const log = await openLog(path, { durability: durability as 'sync' | 'os' })
let sum = 0
// The second round uses files that were closed to make room for others.
for (let round = 1; round <= 2; round += 1) {
  const producer = log.producer(orders)
  await Promise.all(Array.from({ length: 2000 }, (_, n) => producer.send({ key: `${n}`, value: n })))
  await producer.close()
  sum = 0
  for await (const { value } of log.consumer(orders, { from: 'earliest', until: 'end' })) sum += value ?? 0
  for await (const { value } of log.consumer(orders, { group: 'g', from: 'earliest', until: 'end' }))
    sum += value ?? 0
}
await log.close()
process.stdout.write(`${sum}\n`)
