import { test } from 'node:test'
import { check } from './transaction-clients.ts'

test('however a process ends, clients and readers agree on which transactions are committed', () => check())
