/**
 * Mistakes of programs without types: an invalid log, topic, sink, source or option is refused at the call.
 */
import { rejects, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, topic } from '../schema/index.ts'
import { deliver, publish } from './index.ts'

const log = { openReader() {} }
const numbers = topic('numbers', { value: json<number>() })
type Slip = readonly [log: unknown, topic: unknown, connector: unknown, about: RegExp]

const slips: readonly Slip[] = [
  [undefined, numbers, { open() {} }, /needs a log.*undefined/],
  ['./data', numbers, { open() {} }, /needs a log.*'\.\/data'/],
  [log, 'numbers', { open() {} }, /takes a topic.*'numbers'/],
  [log, numbers, 'file.csv', /needs a (sink|source).*'file\.csv'/],
  [log, numbers, undefined, /needs a (sink|source).*undefined/],
  [log, numbers, {}, /needs a (sink|source)/],
]
for (const [given, of, connector, about] of slips)
  test(`deliver and publish refuse: ${about.source}`, async () => {
    const error = { name: 'MillraceError', code: 'INVALID_ARGUMENT', message: about }
    throws(() => deliver(given as never, of as never, connector as never), error)
    await rejects(publish(given as never, of as never, connector as never, {} as never), error)
  })

const source = { name: 'file', open() {} }
const wrongOptions: readonly (readonly [options: unknown, about: RegExp])[] = [
  [{ onEror: 'skip' }, /Unknown option 'onEror'.*Did you mean 'onError'/],
  [{ onError: 'ignore' }, /ignore.*deadLetter/],
  [{ signal: true }, /'signal'.*AbortSignal/],
  ['skip', /must be an object/],
]
for (const [options, about] of wrongOptions)
  test(`deliver and publish refuse the option: ${about.source}`, async () => {
    const error = { name: 'MillraceError', code: 'INVALID_ARGUMENT', message: about }
    throws(() => deliver(log as never, numbers, source as never, options as never), error)
    await rejects(publish(log as never, numbers, source as never, options as never), error)
  })
