/**
 * The conformance suite of sources: the obligations of source.ts as cases. A connector's test runs them, and
 * names the optional ones that it claims.
 *
 * @example
 * for (const { name, run } of sourceConformance({ make: () => csv(file), rows })) test(name, run)
 */
import assert from 'node:assert/strict'
import { isMillraceError, systemClock } from '../base/index.ts'
import type { ConformanceCase } from './conformance-case.ts'
import {
  BadRow,
  resumeStateBytesMax,
  type ResumeState,
  type Source,
  type SourceBatch,
  type SourceReader,
} from './source.ts'

export interface SourceConformance<R> {
  /** A new source over the same content, each time. */
  readonly make: () => Source<R>
  /** Its rows, in order, enough for several batches. */
  readonly rows: readonly R[]
  /** Claims that a resume state of other content is refused: one such state. */
  readonly foreignState?: ResumeState
  /** Claims that other content in the same place is refused: a source over it, of the same name. */
  readonly replaced?: () => Source<R>
  /** Claims that content may grow: adds some, and returns the new rows. Called last. */
  readonly grow?: () => readonly R[]
  /**
   * Claims that unreadable rows are handed out among the others. Returns a source over both kinds, in several
   * batches, and its rows: a bad row as the text in the source.
   */
  readonly bad?: { readonly make: () => Source<R>; readonly rows: readonly (R | BadOriginal)[] }
}

/** An unreadable row, as it is in the source. */
export class BadOriginal {
  readonly original: string

  constructor(original: string) {
    this.original = original
  }
}

export function sourceConformance<R>(claims: SourceConformance<R>): ConformanceCase[] {
  const { make, rows, foreignState, replaced, grow, bad } = claims
  const cases: ConformanceCase[] = [
    {
      name: 'gives every row once, in order, and then stays at its end',
      run: async () => {
        const reader = await open(make())
        const batches = await drain(reader)
        assert.deepEqual(rowsOf(batches), rows)
        assert.ok(batches.length > 1, 'the input must have several batches')
        assert.equal(await reader.next(), undefined)
        if (reader.total !== undefined) assert.equal(reader.total, rows.length)
        await reader.close()
      },
    },
    {
      name: 'continues after any batch, with exactly the rows after it',
      run: async () => {
        const first = await open(make())
        const batches = await drain(first)
        await first.close()
        let given = 0
        for (const { rows: batch, resume } of batches) {
          given += batch.length
          const text = JSON.stringify(resume)
          assert.ok(Buffer.byteLength(text) <= resumeStateBytesMax, 'the resume state is small')
          const reader = await open(make(), JSON.parse(text) as ResumeState)
          assert.deepEqual(rowsOf(await drain(reader)), rows.slice(given))
          await reader.close()
        }
      },
    },
    {
      name: 'continues again and again: one batch at a time gives the same rows',
      run: async () => {
        const seen: unknown[] = []
        let resume: ResumeState | undefined
        for (;;) {
          const reader = await open(make(), resume)
          const batch = await reader.next()
          await reader.close()
          if (!batch) break
          seen.push(...batch.rows)
          resume = batch.resume
        }
        assert.deepEqual(seen, rows)
      },
    },
    {
      name: 'names the place of each row, each place once',
      run: async () => {
        const reader = await open(make())
        const places = (await drain(reader)).flatMap(batch => batch.rows.map((_, i) => batch.place(i)))
        await reader.close()
        assert.equal(new Set(places).size, rows.length)
      },
    },
    {
      name: 'closes at once, with rows left',
      run: async () => {
        const reader = await open(make())
        await reader.next()
        await reader.close()
      },
    },
  ]
  cases.push(
    {
      name: 'does not change a resume state that it handed out, and accepts a copy',
      run: async () => {
        const reader = await open(make())
        const states: [ResumeState, string][] = []
        for (let batch; (batch = await reader.next());)
          states.push([batch.resume, JSON.stringify(batch.resume)])
        await reader.close()
        for (const [state, text] of states) assert.equal(JSON.stringify(state), text)
      },
    },
    {
      name: 'has nothing left after its last batch',
      run: async () => {
        const reader = await open(make())
        const last = (await drain(reader)).at(-1)!.resume
        await reader.close()
        const again = await open(make(), last)
        assert.deepEqual(rowsOf(await drain(again)), [])
        await again.close()
      },
    },
    {
      name: 'ends a call when the run is aborted, and closes',
      run: async () => {
        const stop = new AbortController()
        const reader = await make().open(undefined, { clock: systemClock, signal: stop.signal })
        await reader.next()
        const next = reader.next()
        stop.abort()
        await next
        await reader.close()
      },
    },
    {
      name: 'can be opened twice: one reader does not disturb another',
      run: async () => {
        const source = make()
        const [one, other] = [await open(source), await open(source)]
        const first = await one.next()
        await one.close()
        assert.deepEqual(rowsOf(await drain(other)), rows)
        await other.close()
        assert.deepEqual(first?.rows, rows.slice(0, first?.rows.length))
      },
    },
  )
  const refused = (error: unknown): boolean => isMillraceError(error, 'SOURCE_CHANGED')
  if (foreignState !== undefined)
    cases.push({
      name: 'refuses an invalid resume state, and one of other content',
      run: async () => {
        for (const state of [foreignState, null, 7, 'x', [], {}])
          await assert.rejects(open(make(), state), refused)
      },
    })
  if (replaced)
    cases.push({
      name: 'refuses to continue with other content',
      run: async () => {
        const reader = await open(make())
        const batches = await drain(reader)
        await reader.close()
        for (const { resume } of batches) await assert.rejects(open(replaced(), resume), refused)
      },
    })
  if (bad)
    cases.push({
      name: 'hands out unreadable rows among the others, each with its place, reason and original',
      run: async () => {
        const reader = await open(bad.make())
        const batches = await drain(reader)
        await reader.close()
        assert.ok(batches.length > 1, 'the input must have several batches')
        assert.deepEqual(withOriginals(rowsOf(batches)), bad.rows)
        const places = batches.flatMap(batch => batch.rows.map((_, i) => batch.place(i)))
        assert.equal(new Set(places).size, bad.rows.length)
        for (const each of rowsOf(batches)) if (each instanceof BadRow) assert.notEqual(each.reason, '')
        let given = 0
        for (const { rows: batch, resume } of batches) {
          given += batch.length
          const again: SourceReader<R> = await open(bad.make(), resume)
          assert.deepEqual(withOriginals(rowsOf(await drain(again))), bad.rows.slice(given))
          await again.close()
        }
      },
    })
  if (grow)
    cases.push({
      name: 'continues with rows that were added after its end, once',
      run: async () => {
        const reader = await open(make())
        let resume = (await drain(reader)).at(-1)!.resume
        await reader.close()
        const added = grow()
        for (const expected of [added, []]) {
          const next = await open(make(), resume)
          const batches = await drain(next)
          await next.close()
          assert.deepEqual(rowsOf(batches), expected)
          resume = batches.at(-1)?.resume ?? resume
        }
      },
    })
  return cases
}

const withOriginals = <R>(given: readonly (R | BadRow)[]): (R | BadOriginal)[] =>
  given.map(each => (each instanceof BadRow ? new BadOriginal(Buffer.from(each.original).toString()) : each))

const open = <R>(source: Source<R>, resume?: ResumeState): ReturnType<Source<R>['open']> =>
  source.open(resume, { clock: systemClock, signal: new AbortController().signal })

async function drain<R>(reader: { next(): Promise<SourceBatch<R> | undefined> }): Promise<SourceBatch<R>[]> {
  const batches: SourceBatch<R>[] = []
  for (let batch; (batch = await reader.next());) batches.push(batch)
  return batches
}

const rowsOf = <R>(batches: readonly SourceBatch<R>[]): (R | BadRow)[] => batches.flatMap(({ rows }) => rows)
