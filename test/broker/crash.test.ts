/** Power losses under transactions: see crash.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

test('however a process ends, transactions are whole and acknowledged records are there', () =>
  apart(new URL('./crash.ts', import.meta.url), 'check'))
