/** The cases of @platformatic/kafka: JavaScript, with the newest versions of the protocol. */
import process from 'node:process'
import { admin, producer } from './platformatic/client.js'

// One after the other, in this order.
for (const theme of ['records', 'groups', 'topics']) await import(`./platformatic/${theme}.js`)
await producer.close(true)
await admin.close()
process.exit(0)
