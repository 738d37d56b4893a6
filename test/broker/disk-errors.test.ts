/** Whatever the disk returns, callers get a MillraceError: see disk-errors.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./disk-errors.ts', import.meta.url)

for (const kind of ['EIO', 'ENOSPC'])
  test(`every call of a log that meets ${kind} ends with a MillraceError`, () => apart(module, 'check', kind))
