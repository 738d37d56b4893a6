/**
 * Java's .properties files, as Kafka's configuration is written: comments, escapes, lines that continue. In
 * UTF-8; Java reads Latin-1, and ASCII with `\u00fc` is the same in both.
 */

/** A property, with the line that it begins in. */
export interface Property {
  readonly name: string
  readonly value: string
  readonly line: number
}

/** A line that cannot be read, by its number. */
export class PropertiesFault extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** Of several properties of one name the last one counts, as in Java. Throws a {@link PropertiesFault}. */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = []
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/)
  for (let n = 0; n < lines.length; n += 1) {
    const line = n + 1
    let logical = withoutIndent(lines[n]!)
    if (logical === '' || /^[#!]/.test(logical)) continue
    while (continues(logical)) {
      n += 1
      logical = logical.slice(0, -1) + withoutIndent(lines[n] ?? '')
    }
    // Up to the first separator that is not escaped; then blanks, one = or :, and blanks again.
    const [, name = '', value = ''] =
      /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*(.*)$/s.exec(logical) ?? []
    if (name === '') throw new PropertiesFault(line, `The line has no name: '${logical}'. Write name=value.`)
    properties.push({ name: unescaped(name, line), value: unescaped(value, line), line })
  }
  return properties
}

/** An odd number of backslashes at the end. */
function continues(line: string): boolean {
  return /(?<!\\)(?:\\\\)*\\$/.test(line)
}

function withoutIndent(line: string): string {
  return line.replace(/^[ \t\f]+/, '')
}

const letters: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string, line: number): string {
  return text.replace(/\\(u[\da-fA-F]{4}|.?)/gs, (_, escape: string) => {
    if (escape.length > 1) return String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    if (escape === 'u') throw new PropertiesFault(line, "An escape '\\u' needs four hexadecimal digits.")
    return letters[escape] ?? escape
  })
}
