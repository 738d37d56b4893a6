import { deepEqual } from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { linesOf } from './terminal.ts'

test('lines: over chunks, with and without a return or a mark at the start, and a last one without an end', async () => {
  const lines = async (...chunks: (string | Uint8Array)[]): Promise<string[]> => {
    const input = Readable.from(chunks.map(chunk => Buffer.from(chunk)))
    const found: string[] = []
    for await (const line of linesOf(input, new AbortController().signal)) found.push(line)
    return found
  }
  deepEqual(await lines('a\nb'), ['a', 'b'])
  deepEqual(await lines('a\r\n\r\n', '\n'), ['a', '', ''])
  deepEqual(await lines('a', 'b', 'c\nd', '\n'), ['abc', 'd'])
  deepEqual(await lines('\uFEFFa\n\uFEFFb'), ['a', '\uFEFFb'])
  deepEqual(await lines(Uint8Array.of(0xc3), Uint8Array.of(0xa9, 10)), ['é'])
  deepEqual(await lines(), [])
})
