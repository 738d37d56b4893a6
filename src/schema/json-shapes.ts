/**
 * The shapes that the records of a topic were seen to have, with a reader for each.
 *
 * Records of many shapes (objects whose names are data, arrays of any length) gain nothing by it. So shapes
 * are learned a few at a time, and if more is read in vain than it saves, the parser reads all for a while,
 * which is twice as long each time.
 */
import { jsonShapeOf } from './json-shape.ts'
import { type ShapeReader, shapeReader } from './json-shape-reader.ts'
import type { JsonCursor } from './json-scalar.ts'

const shapesMax = 4
/** Records after which it is looked at whether the shapes are of use. */
const roundRecords = 256
/** Records that are left to the parser at first: for fewer, a reader is not worth its compilation. */
const pauseMin = 64
const pauseMax = 2 ** 20
/** Of larger records the strings take the time, or there are too many scalars for one function. */
const bytesMax = 8192
const scalarsMax = 128
const literalBytesMax = 2048
/** Which part of a record of no known shape counts as read in vain. */
const missShare = 2

const openings: ReadonlySet<string | undefined> = new Set(['{', '['])

export class JsonShapes {
  readonly #readers: ShapeReader[] = []
  /** The names of properties that the readers assign. */
  readonly #names = new Set<string>()
  /** Records that are left to the parser before the next round, and after it if it fails. */
  #pause = pauseMin
  #nextPause = 2 * pauseMin
  #tried = 0
  /** Bytes of the records that had a known shape, without their unusual strings. */
  #gained = 0
  /** Bytes of those strings, and what readers of other shapes read before they met the difference. */
  #wasted = 0
  /** Shapes that were looked at since the last failed round. */
  #looked = 0

  /** Whether the next `count` records should be read here. */
  begin(count: number): boolean {
    if (this.#tried >= roundRecords) this.#endRound()
    if (this.#pause > 0) {
      this.#pause -= count
      return false
    }
    if (this.#areInherited()) return false
    this.#tried += count
    return true
  }

  /** Whether objects have got a property that an assignment would meet since the readers were made. */
  #areInherited(): boolean {
    return Object.getOwnPropertyNames(Object.prototype).some(name => this.#names.has(name))
  }

  #endRound(): void {
    const fails = this.#wasted > this.#gained
    if (fails) {
      this.#readers.length = 0
      this.#looked = 0
      this.#names.clear()
      this.#pause = this.#nextPause
    }
    // It becomes shorter slowly, since every other round may fail.
    this.#nextPause = fails
      ? Math.min(2 * this.#nextPause, pauseMax)
      : Math.max(this.#nextPause - this.#tried, 2 * pauseMin)
    this.#tried = 0
    this.#gained = 0
    this.#wasted = 0
  }

  /** The value of the record at which the cursor is open; undefined if it is left to the parser. */
  read(cursor: JsonCursor): unknown {
    const readers = this.#readers
    for (let n = 0; n < readers.length; n += 1) {
      const reader = readers[n]!
      cursor.at = cursor.start
      const value = reader(cursor)
      if (value === undefined) {
        this.#wasted += cursor.at - cursor.start
        continue
      }
      this.#gained += cursor.end - cursor.start - cursor.unusual
      this.#wasted += cursor.unusual
      if (n > 0) {
        // Records of one shape mostly follow each other.
        readers[n] = readers[0]!
        readers[0] = reader
      }
      return value
    }
    // To have it as text takes a part of the parser's time.
    this.#wasted += (cursor.end - cursor.start) / missShare
    return undefined
  }

  /** Learns the shape of the record at which the cursor is open, and which the parser has read. */
  missed({ text }: JsonCursor): void {
    if (this.#looked === shapesMax || text.length > bytesMax || !openings.has(text[0])) return
    this.#looked += 1
    const shape = jsonShapeOf(text)
    const { literals } = shape
    if (literals.length > scalarsMax || Buffer.concat(literals).length > literalBytesMax) return
    const reader = shapeReader(shape)
    if (!reader) return
    this.#readers.push(reader)
    for (const name of shape.objects.flat()) this.#names.add(name)
  }
}
