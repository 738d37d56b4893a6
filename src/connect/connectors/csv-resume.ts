/**
 * The resume state of a CSV file: the place to continue from, and the marks of the file.
 *
 * The marks are its path, and fingerprints of its header, of its first bytes and of those before the place.
 * The file must not be shorter. A state of 0.1.0 has no path and no first bytes: it is continued, and they
 * are added.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { MillraceError } from '../../base/index.ts'
import type { ResumeState } from '../source.ts'
import { readAt, type Position } from './csv-file.ts'
import { carriageReturn, insides, lineFeed, type LineEnd } from './csv-records.ts'

/** Bytes that are compared: at the beginning, and before the place to continue from. */
const beginBytes = 4096
const tailBytes = 1024
/** A longer path is kept as its hash: a state must fit beside an offset. */
const pathMax = 1000

/** The place of a source. */
export interface CsvState extends Position {
  readonly header: string
  readonly tail: string
  /** Undefined in a state of 0.1.0. */
  readonly begin: string | undefined
  readonly path: string | undefined
}

/** The marks of a file, for its states. */
export class CsvIdentity {
  readonly #file: string
  readonly #handle: FileHandle
  readonly #path: string
  readonly #name: string
  readonly #isNamed: boolean
  #begin: { readonly bytes: number; readonly hash: string } | undefined

  /**
   * @param isNamed whether the program named the source, which then identifies the file instead of its path
   */
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

  /** The state at `position`. */
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
      `${this.#path} is not the file that was published under the name '${this.#name}': that was ${path}. If this is another file, give it its own name: csv(path, { name }). If it is the same file in another place, give the same name: csv(path, { name: '${this.#name}' }).`,
    )
  }

  /**
   * The place to continue from.
   * @throws MillraceError SOURCE_CHANGED
   */
  async resume(state: CsvState, header: string, lineEnd: LineEnd): Promise<Position> {
    const { byte, line, inside } = state
    if (state.header !== header) throw this.changed('it has another header or delimiter')
    if (state.begin !== undefined && state.begin !== (await this.#beginning(byte)))
      throw this.changed('it begins with another text')
    if ((await this.#tail(byte)) !== state.tail)
      throw this.changed(`its content before line ${line} has changed`)
    const [before] = await this.#bytes(byte - 1, 1)
    const wasOpen = state.begin === undefined ? before !== lineFeed : state.isOpen === true
    if (!wasOpen) return { byte, line, inside }
    // 0.1.0 counted a last line without a line end as one with it.
    const lastLine = state.begin === undefined ? line - 1 : line
    const next = await this.#bytes(byte, 2)
    const ends = lineEnd === lineFeed && next[0] === carriageReturn && before !== carriageReturn ? 1 : 0
    if (next.length === ends) return { byte, line: lastLine, isOpen: true }
    if (next[ends] !== lineEnd || inside !== undefined)
      throw this.changed('its last line had no line end then, and is longer now')
    return { byte: byte + ends + 1, line: lastLine + 1 }
  }

  changed(why: string): MillraceError {
    return new MillraceError(
      'SOURCE_CHANGED',
      `${this.#file} is not the file that was published before: ${why}. Publishing cannot continue. Restore the file, or publish this one from the start under its own name: csv(path, { name }).`,
    )
  }

  #tail(byte: number): Promise<string> {
    const length = Math.min(byte, tailBytes)
    return this.#bytes(byte - length, length).then(hashOf)
  }

  /** A hash of the first bytes of a file that come before `byte`. */
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

/** The parts of the state; undefined if it is not one of a CSV file. */
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
