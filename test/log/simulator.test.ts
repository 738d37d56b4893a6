/** The log against its model, over crashes: see simulator.ts. SEED=n repeats one seed that failed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apart } from '../apart.ts'
import { scale, seed } from '../scale.ts'
import type { Progress } from './simulator.ts'

const module = new URL('./simulator.ts', import.meta.url)
const seeds = scale(10_000)
/** Each failed once; why, is in the history of this line. */
const onceFailed = [11_004_081, 1_001_852]

test('whatever happens to the process, the log is what its model says', async t => {
  const progress = await apart<Progress>(module, 'simulate', seed * 1_000_000, seeds)
  t.diagnostic(JSON.stringify(progress))
  // A simulation in which nothing happens shows nothing.
  for (const [what, count] of Object.entries(progress)) assert(count > seeds, `${what}: only ${count}`)
})

test('what once failed', async () => {
  for (const each of onceFailed) await apart<Progress>(module, 'simulate', each, 1)
})
