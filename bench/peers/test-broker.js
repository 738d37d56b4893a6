// `startBroker` as a program: `test-broker.js <module>` prints how long the call took, and its port. It is
// JavaScript because taking types away would cost memory, which is measured.
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const { startBroker } = await import(pathToFileURL(process.argv[2]).href)
const begunMs = performance.now()
const broker = await startBroker()
console.log(`${performance.now() - begunMs} ms, ${broker.bootstrap}`)
process.once('SIGTERM', () => void broker.close().then(() => process.exit(0)))
