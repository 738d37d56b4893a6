/**
 * Lists the fields of a structure in Thrift's compact protocol, without decoding their values.
 *
 * A structure is a list of fields and a zero byte. A field is one byte, the difference of its id to the one
 * before (0: the id follows) and its type, then its value:
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */

/** The deepest nesting of structures, deeper than in any format. */
const depthMax = 64

/** The ids of the outermost fields, as far as the bytes are valid. */
export function fieldIdsOf(bytes: Uint8Array): ReadonlySet<number> {
  const ids = new Set<number>()
  new Skipper(bytes).struct(0, id => ids.add(id))
  return ids
}

class Skipper {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Skips a structure. Bytes past the end read as zero, which ends every structure. */
  struct(depth: number, onField: (id: number) => void = () => {}): void {
    if (depth === depthMax) return
    let id = 0
    for (let head = this.#byte(); (head & 15) !== 0; head = this.#byte()) {
      const delta = head >> 4
      id = delta === 0 ? this.#zigzag() : id + delta
      onField(id)
      this.#value(head & 15, depth)
    }
  }

  #value(type: number, depth: number): void {
    switch (type) {
      case 1: // true
      case 2: // false
        return
      case 3:
        this.#at += 1
        return
      case 4:
      case 5:
      case 6:
        this.#varint()
        return
      case 7:
        this.#at += 8
        return
      case 8: {
        const length = this.#varint()
        this.#at += length
        return
      }
      case 9: // list
      case 10: // set
        this.#list(depth)
        return
      case 11:
        this.#map(depth)
        return
      case 12:
        this.struct(depth + 1)
        return
      default: // Not Thrift: stop here.
        this.#at = this.#bytes.length
    }
  }

  #list(depth: number): void {
    const head = this.#byte()
    this.#elements(head >> 4 === 15 ? this.#varint() : head >> 4, [head & 15], depth)
  }

  #map(depth: number): void {
    const count = this.#varint()
    if (count === 0) return
    const types = this.#byte()
    this.#elements(count, [types >> 4, types & 15], depth)
  }

  #elements(count: number, types: readonly number[], depth: number): void {
    for (let i = 0; i < count && this.#at < this.#bytes.length; i++)
      for (const type of types) {
        // An element that is a boolean takes a byte; in a field the type holds its value.
        if (type === 1 || type === 2) this.#at += 1
        else this.#value(type, depth)
      }
  }

  #byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  #varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  #zigzag(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
