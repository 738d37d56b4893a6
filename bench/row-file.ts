/** The results of a hand-written loop: rows as JSON in batches of one file. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import type { Row } from '../test/nexmark/topics.ts'
import { BaselineBatch } from './baseline.ts'

const batchBytes = 256 * 1024
/** More than a row has. */
const rowBytesMax = 64 * 1024

export class RowFile {
  readonly #file: number
  readonly #batch = new BaselineBatch(batchBytes + rowBytesMax)
  #empty = true

  constructor(path: string) {
    this.#file = openSync(path, 'w')
  }

  add(timestamp: number, row: Row): void {
    this.#batch.add(timestamp, JSON.stringify(row))
    this.#empty = false
    if (this.#batch.bytes >= batchBytes) this.#write()
  }

  close(): void {
    if (!this.#empty) this.#write()
    fdatasyncSync(this.#file)
    closeSync(this.#file)
  }

  #write(): void {
    writeSync(this.#file, this.#batch.finish())
    this.#empty = true
  }
}
