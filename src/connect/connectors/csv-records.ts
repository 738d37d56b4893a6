/**
 * CSV as RFC 4180 has it: records end with a line end, fields may stand in quotes and then hold delimiters, line ends and doubled quotes.
 *
 * Where a record ends is decided by counting quotes, without looking at fields: a line end outside quotes follows an even number of them. A stray
 * quote breaks that count, so whoever reads records treats a record of several lines that turns out malformed as one malformed **line**, and
 * goes on with the next line: damage stays where it is.
 */

const lineFeed = 0x0a
const carriageReturn = 0x0d
const quote = 0x22

/** The offset after the record that begins at `start`, its line end included; undefined where the bytes do not hold the end of it. */
export function recordEnd(bytes: Buffer, start: number): number | undefined {
  let inQuotes = false
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === quote) inQuotes = !inQuotes
    else if (byte === lineFeed && !inQuotes) return at + 1
  }
  return undefined
}

/** The same without its line end. */
export function trimmedEnd(bytes: Buffer, start: number, end: number): number {
  if (end > start && bytes[end - 1] === lineFeed) end--
  if (end > start && bytes[end - 1] === carriageReturn) end--
  return end
}

/** The fields of a record: null for one that stands there as `nullValue`, without quotes. A text says what is wrong with the record. */
export function fieldsOf(record: string, delimiter: string, nullValue: string): (string | null)[] | string {
  if (!record.includes('"')) {
    const fields: (string | null)[] = record.split(delimiter)
    for (let i = 0; i < fields.length; i++) if (fields[i] === nullValue) fields[i] = null
    return fields
  }
  const fields: (string | null)[] = []
  for (let at = 0; ; at += delimiter.length) {
    if (record[at] === '"') {
      let field = ''
      for (let from = at + 1; ;) {
        const close = record.indexOf('"', from)
        if (close < 0) return 'a quote that is opened and not closed'
        field += record.slice(from, close)
        at = close + 1
        if (record[at] !== '"') break
        field += '"'
        from = at + 1
      }
      fields.push(field)
    } else {
      const end = record.indexOf(delimiter, at)
      const field = record.slice(at, end < 0 ? undefined : end)
      if (field.includes('"'))
        return `a quote inside the field ${JSON.stringify(field)}, which does not begin with one`
      fields.push(field === nullValue ? null : field)
      at += field.length
    }
    if (at === record.length) return fields
    if (!record.startsWith(delimiter, at)) return 'text between a closing quote and the next delimiter'
  }
}
