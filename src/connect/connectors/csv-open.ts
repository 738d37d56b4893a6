/** Opens a CSV file: its preamble, the place where reading continues, and its batches. */
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { MillraceError } from '../../base/index.ts'
import type { ColumnSpecs } from '../columns.ts'
import type { ResumeState, SourceBatch, SourceReader } from '../source.ts'
import { CsvRecords } from './csv-file.ts'
import { readPreamble, Unfinished } from './csv-preamble.ts'
import { CsvIdentity, hashOf, stateOf } from './csv-resume.ts'
import { columnsFor, rowParser, type Row } from './csv-rows.ts'

/** The format of a file: the options of `csv()` with their defaults. */
export interface CsvFormat {
  /** The source's name, and whether the program gave it. */
  readonly name: string
  readonly isNamed: boolean
  /** Undefined: that of a first line `sep=`, otherwise a comma. */
  readonly delimiter: string | undefined
  readonly quote: string
  readonly header: boolean
  readonly nullValue: string
  readonly comment: string
  readonly specs: ColumnSpecs | undefined
  readonly isComplete: boolean
  readonly recordBytesMax: number
  readonly blockBytes: number
}

/** The reader of a CSV file. */
export async function openCsv(
  file: string,
  format: CsvFormat,
  resume: ResumeState | undefined,
): Promise<SourceReader<Row>> {
  const handle = await open(file).catch((error: unknown) => {
    throw new MillraceError(
      'SOURCE_MISSING',
      `The CSV file ${file} cannot be opened: ${(error as Error).message}. Relative paths are taken from ${process.cwd()}.`,
      { cause: error },
    )
  })
  try {
    const { name, isNamed } = format
    const identity = new CsvIdentity(file, handle, { path: resolve(file), name, isNamed })
    const state = resume === undefined ? undefined : stateOf(resume)
    if (resume !== undefined && state === undefined) throw identity.changed('where that was cannot be read')
    if (state) {
      identity.checkPath(state)
      const { size } = await handle.stat()
      if (size < state.byte) throw identity.changed('it is shorter')
    }
    const preamble = await readPreamble(file, handle, format)
    const close = (): Promise<void> => handle.close()
    if (preamble instanceof Unfinished)
      return { next: () => Promise.resolve(undefined), waiting: `${file}: ${preamble.waiting}`, close }

    const { dialect, lineEnd, names } = preamble
    const columns = columnsFor(file, names, format.specs)
    const header = hashOf(JSON.stringify([names, dialect.delimiter]))
    let { records } = preamble
    if (state) {
      const from = await identity.resume(state, header, lineEnd)
      records = new CsvRecords(file, handle, { ...format, dialect, lineEnd }, from)
    }
    records.emptyLines = names.length === 1
    const read = rowParser(names, columns, format.nullValue)
    /**
     * A state of 0.1.0 lacks the path and the first bytes: it is written again, also if the file has no more
     * rows.
     */
    let isOld = state !== undefined && state.begin === undefined
    return {
      async next() {
        const found = await records.next()
        if (found.length === 0 && !isOld) return undefined
        isOld = false
        const batch: SourceBatch<Row> = {
          rows: read(found),
          resume: await identity.state(records.position, header),
          place: index => `line ${found[index]!.line} of ${file}`,
          original: index => found[index]!.original,
        }
        return batch
      },
      get waiting() {
        return records.waiting === undefined ? undefined : `${file}: ${records.waiting}`
      },
      close,
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}
