/** An app that is restarted over and over: see restarts.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./restarts.ts', import.meta.url)

for (const exchange of ['memory', 'topic'])
  test(`an app that restarts at random for a day has the offsets, state and outputs of an undisturbed one (${exchange})`, () =>
    apart(module, 'check', exchange))
