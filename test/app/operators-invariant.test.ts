/** The invariant of each operator with state: see operators-invariant.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

test('each operator gives the same, whatever happens in between', () =>
  apart(new URL('./operators-invariant.ts', import.meta.url), 'check'))
