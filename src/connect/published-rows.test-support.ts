/** Rows in an array as a source, and the topic to which tests publish them. */
import { z } from 'zod'
import { topic, type Topic } from '../schema/index.ts'
import type { BadRow, Source } from './source.ts'

export interface Row {
  readonly id: string
  readonly n: number
}

/** A source over an array; `log` notes what is opened and closed. */
export function rowsOf(given: readonly (Row | BadRow)[], batch = 3, log: string[] = []): Source<Row> {
  return {
    name: 'rows',
    open(resume) {
      let at = (resume as number | undefined) ?? 0
      log.push(`open ${at}`)
      return Promise.resolve({
        total: given.length,
        next() {
          const start = at
          at = Math.min(given.length, at + batch)
          if (start === at) return Promise.resolve(undefined)
          return Promise.resolve({
            rows: given.slice(start, at),
            resume: at,
            place: (i: number) => `row ${start + i}`,
          })
        },
        close() {
          log.push('close')
          return Promise.resolve()
        },
      })
    },
  }
}

export function rows(count: number): Row[] {
  return Array.from({ length: count }, (_, n) => ({ id: `id ${n % 7}`, n }))
}

export const things: Topic<string, { id: string; n: number }> = topic('things', {
  key: z.string(),
  value: z.object({ id: z.string(), n: z.int() }),
  partitions: 3,
  timestamp: ({ n }) => n,
})
export const key = (row: Row): string => row.id
