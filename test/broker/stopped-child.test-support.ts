/**
 * A process with an open transaction, which it commits on request. Arguments: folder, time-out of the
 * transaction in milliseconds.
 */
import process from 'node:process'
import { batch } from '../../src/port/conformance/harness.ts'
import { openPort } from './support.ts'

const [folder = '', timeoutMs = ''] = process.argv.slice(2)
const port = await openPort(folder)
await port.createTopic('t', { partitions: 1 })
const writer = await port.openWriter({ transactionalId: 'id', transactionTimeoutMs: Number(timeoutMs) })
await writer.append('t', 0, batch(['a']))
process.send?.('begun')
process.on('message', () => {
  writer
    .commit()
    .then(
      () => 'committed',
      (error: { code?: string }) => error.code,
    )
    .then(async outcome => {
      process.send?.(outcome)
      await port.close()
      process.disconnect?.()
    })
    .catch((error: unknown) => {
      throw error
    })
})
