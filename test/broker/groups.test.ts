/** Groups whose members come, go, stall and crash: see groups.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

test('however a process ends, no partition has two owners, and each one gets an owner in the end', () =>
  apart(new URL('./groups.ts', import.meta.url), 'check'))
