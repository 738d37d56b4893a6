/**
 * The resume state of a CSV file: where it is read on, and what shows that it is the same file.
 *
 * That is its path, fingerprints of its header, of its first bytes and of those before the place, and that it
 * is not shorter. 0.1.0 wrote no path and no first bytes: such a state is continued, and what it lacks is
 * added.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MillraceError } from '../../base/index.ts'
import type { ResumeState } from '../source.ts'
import { readAt, type Position } from './csv-file.ts'
import { carriageReturn, insides, lineFeed, type LineEnd } from './csv-records.ts'

/** Bytes that are compared: of the beginning, and before the place where a file is read on. */
const beginBytes = 4096
const tailBytes = 1024
/** A longer path is kept as its hash: a state has to fit beside an offset. */
const pathMax = 1000

/** Where a source was left. */
export interface CsvState extends Position {
  readonly header: string
  readonly tail: string
  /** Undefined in a state of 0.1.0. */
  readonly begin: string | undefined
  readonly path: string | undefined
}

/** A file as its states know it. */
export class CsvIdentity {
  readonly #file: string
  readonly #handle: FileHandle
  readonly #path: string
  readonly #name: string
  readonly #isNamed: boolean
  #begin: { readonly bytes: number; readonly hash: string } | undefined

  /** @param isNamed whether the program gave the source its name, and so says which file it is */
  constructor(
    file: string,
    handle: FileHandle,
    source: { readonly path: string; readonly name: string; readonly isNamed: boolean },
  ) {
    this.#file = file
    this.#handle = handle
    this.#path = source.path.length > pathMax ? `sha256 ${hashOf(source.path)}` : source.path
    this.#name = source.name
    this.#isNamed = source.isNamed
  }

  /** The state of a file that is left at `position`. */
  async state(position: Position, header: string): Promise<ResumeState> {
    const { byte, line, inside, isOpen } = position
    return {
      byte,
      line,
      header,
      tail: await this.#tail(byte),
      begin: await this.#beginning(byte),
      path: this.#path,
      ...(inside !== undefined && { inside }),
      ...(isOpen === true && { isOpen }),
    }
  }

  /** @throws MillraceError SOURCE_CHANGED */
  checkPath({ path }: CsvState): void {
    if (path === undefined || path === this.#path || this.#isNamed) return
    throw new MillraceError(
      'SOURCE_CHANGED',
      `${this.#path} is not the file that was published under the name '${this.#name}': that was ${path}. If this is another file, give it a name of its own: csv(path, { name }). If it is the same file in another place, say so by its name: csv(path, { name: '${this.#name}' }).`,
    )
  }

  /**
   * Where the file is read on.
   * @throws MillraceError SOURCE_CHANGED
   */
  async resume(state: CsvState, header: string, lineEnd: LineEnd): Promise<Position> {
    const { byte, line, inside } = state
    if (state.header !== header) throw this.changed('it has another header or delimiter')
    if (state.begin !== undefined && state.begin !== (await this.#beginning(byte)))
      throw this.changed('it begins with another text')
    if ((await this.#tail(byte)) !== state.tail)
      throw this.changed(`what it holds before line ${line} is not the same`)
    const [before] = await this.#bytes(byte - 1, 1)
    const wasOpen = state.begin === undefined ? before !== lineFeed : state.isOpen === true
    if (!wasOpen) return { byte, line, inside }
    // 0.1.0 counted a last line without an end as if it had one.
    const lastLine = state.begin === undefined ? line - 1 : line
    const next = await this.#bytes(byte, 2)
    const ends = lineEnd === lineFeed && next[0] === carriageReturn && before !== carriageReturn ? 1 : 0
    if (next.length === ends) return { byte, line: lastLine, isOpen: true }
    if (next[ends] !== lineEnd || inside !== undefined)
      throw this.changed('its last line had no end then, and has been written on')
    return { byte: byte + ends + 1, line: lastLine + 1 }
  }

  changed(why: string): MillraceError {
    return new MillraceError(
      'SOURCE_CHANGED',
      `${this.#file} is not the file that was being published when the source was left: ${why}. Publishing cannot continue from there. Restore the file, or publish this one from the start under a name of its own: csv(path, { name }).`,
    )
  }

  #tail(byte: number): Promise<string> {
    const length = Math.min(byte, tailBytes)
    return this.#bytes(byte - length, length).then(hashOf)
  }

  /** A hash of the first bytes of a file, of those that come before `byte`. */
  async #beginning(byte: number): Promise<string> {
    const bytes = Math.min(byte, beginBytes)
    if (this.#begin?.bytes !== bytes) this.#begin = { bytes, hash: hashOf(await this.#bytes(0, bytes)) }
    return this.#begin.hash
  }

  async #bytes(from: number, length: number): Promise<Buffer> {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, await readAt(this.#file, this.#handle, bytes, 0, from))
  }
}

/** The state as its parts; undefined where it is not one of a CSV file. */
export function stateOf(resume: ResumeState): CsvState | undefined {
  const { byte, line, header, tail, begin, path, inside, isOpen } = (resume ?? {}) as Readonly<
    Record<keyof CsvState, unknown>
  >
  if (!isCount(byte) || !isCount(line) || typeof header !== 'string' || typeof tail !== 'string')
    return undefined
  return {
    byte,
    line,
    header,
    tail,
    begin: textOrNone(begin),
    path: textOrNone(path),
    inside: insides.find(each => each === inside),
    isOpen: isOpen === true,
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A short fingerprint. */
export function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16)
}
