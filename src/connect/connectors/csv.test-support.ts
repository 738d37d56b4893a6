/** Files and readers for the tests of the CSV source. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { systemClock } from '../../base/index.ts'
import type { BadRow, ResumeState, Source, SourceBatch } from '../source.ts'

export const folder: string = mkdtempSync(join(tmpdir(), 'millrace-csv-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
export function fileOf(content: string | Uint8Array): string {
  const file = join(folder, `${files++}.csv`)
  writeFileSync(file, content)
  return file
}

/** The rows of a source, from its start or from `resume`; the returned `resume` is its end. */
export interface Read<R> {
  readonly rows: (R | BadRow)[]
  /** `line 2`, of each row. */
  readonly places: string[]
  readonly resume: ResumeState | undefined
  readonly waiting: string | undefined
}

export async function read<R>(source: Source<R>, resume?: ResumeState): Promise<Read<R>> {
  const reader = await source.open(resume, { clock: systemClock, signal: new AbortController().signal })
  const rows: (R | BadRow)[] = []
  const places: string[] = []
  let last = resume
  try {
    for (let batch: SourceBatch<R> | undefined; (batch = await reader.next());) {
      for (const [i, row] of batch.rows.entries()) {
        rows.push(row)
        places.push(batch.place(i).replace(/ of .*/, ''))
      }
      last = JSON.parse(JSON.stringify(batch.resume)) as ResumeState
    }
    return { rows, places, resume: last, waiting: reader.waiting }
  } finally {
    await reader.close()
  }
}
