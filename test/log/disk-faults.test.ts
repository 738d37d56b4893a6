/** Every call to the disk fails once, in every way: see disk-faults.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./disk-faults.ts', import.meta.url)

for (const kind of ['EIO', 'ENOSPC', 'short', 'EMFILE'])
  test(`the log survives ${kind} at any call to the disk`, () => apart(module, 'checkEach', kind))
