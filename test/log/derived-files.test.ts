/** Indexes, digests and snapshots that differ from what was saved: see derived-files.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./derived-files.ts', import.meta.url)

for (const end of ['clean', 'killed'])
  test(`a wrong derived file is not trusted, and not reported as damage, ${end}`, () =>
    apart(module, 'check', end))
