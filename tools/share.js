// Runs test files one after the other in this process: node --import ./no-promise-hooks.js share.js <file>…
import { after } from 'node:test'
import process from 'node:process'
import { setTimeout } from 'node:timers'
import { pathToFileURL } from 'node:url'

/** A slow machine closes slowly. */
const lingerMsMax = 5000

// A timer or a socket that a test leaves would only make each run longer, and nobody would notice.
after(() => {
  setTimeout(() => {
    const left = process.getActiveResourcesInfo().join(', ')
    console.error(`tools/share: the tests are over, and something keeps their process: ${left}.`)
    process.exit(1)
  }, lingerMsMax).unref()
})

for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href)
