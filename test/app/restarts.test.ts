/** An app that is restarted over and over: see restarts.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./restarts.ts', import.meta.url)

for (const exchange of ['memory', 'topic'])
  test(`restarted at random points for a day, an app has the offsets, state and outputs of one that was not (${exchange})`, () =>
    apart(module, 'check', exchange))
