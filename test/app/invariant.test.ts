/** The invariant of the engine: see invariant.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

test('the same input gives the same final results, whatever happens in between', () =>
  apart(new URL('./invariant.ts', import.meta.url), 'check'))
