/** The cases of kafkajs: pure JavaScript, with old versions of the protocol. */
import process from 'node:process'
import { admin, producer } from './kafkajs/client.js'

// One after the other, in this order.
for (const theme of ['records', 'groups', 'topics']) await import(`./kafkajs/${theme}.js`)
await producer.disconnect()
await admin.disconnect()
process.exit(0)
