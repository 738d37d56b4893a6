/** Kills of a simulated process: see simulated.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

test('however its processes end, every record is counted once', () =>
  apart(new URL('./simulated.ts', import.meta.url), 'check'))
