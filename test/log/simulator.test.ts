/** The log against its model, over crashes: see simulator.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'
import type { Progress } from './simulator.ts'

const module = new URL('./simulator.ts', import.meta.url)
/** Each failed once; why, is in the history of this line. */
const onceFailed = [11_004_081, 1_001_852]

test('whatever happens to the process, the log is what its model says', async t => {
  t.diagnostic(JSON.stringify(await apart<Progress>(module, 'simulate')))
})

test('what once failed', () => apart(module, 'repeat', onceFailed))
