/** Compaction against its model, over crashes: see compaction.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'
import type { Progress } from './compaction.ts'

const module = new URL('./compaction.ts', import.meta.url)
/**
 * Each of these seeds failed once: by a commit that was not durable, by retention in the same turn, by an
 * active segment that was empty when a pass began, by retention of a segment in the middle of a pass.
 */
const onceFailed = [452, 790, 394, 3143, 170]

test('whatever is compacted, and whenever the process ends, readers find what the model demands', async t => {
  t.diagnostic(JSON.stringify(await apart<Progress>(module, 'simulate')))
})

test('seeds that once failed still pass', () => apart(module, 'repeat', onceFailed))
