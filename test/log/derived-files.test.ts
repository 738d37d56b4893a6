/** Indexes, digests and snapshots that are not what was saved: see derived-files.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./derived-files.ts', import.meta.url)

for (const end of ['clean', 'killed'])
  test(`a derived file is never believed and never damage, ${end}`, () => apart(module, 'check', end))
