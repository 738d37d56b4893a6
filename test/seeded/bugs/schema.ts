/** Bugs of codecs. */
import type { SeededBug } from '../seeded-bug.ts'

export const schemaBugs: readonly SeededBug[] = [
  {
    name: 'bytes() hands out views of a batch whose memory is lent to the next one',
    file: 'src/schema/bytes.ts',
    find: '      into[i] = own.subarray(at, end)\n',
    replace: '      into[i] = bytes.subarray(start, ends[i])\n',
    tests: ['src/port/consume/consumer.test.ts'],
  },
  {
    name: 'codec: what the schema does not know is written',
    file: 'src/schema/codec.ts',
    find: '    if (hasUnknown(value, output)) {\n',
    replace: '    if (false) {\n',
    tests: ['src/schema/codec.test.ts'],
  },
  {
    name: 'codec: what JSON turns into something else is written',
    file: 'src/schema/codec.ts',
    find: '!survivesJson(toWrite)) checkReadable(',
    replace: 'false) checkReadable(',
    tests: ['src/schema/codec.test.ts'],
  },
  {
    name: 'numbers: a whole number past 2^53 is read as its neighbour',
    file: 'src/schema/json-numbers.ts',
    find: 'return written.digits !== shortest.digits || written.exponent !== shortest.exponent',
    replace: 'return false',
    tests: ['src/schema/json-numbers.test.ts'],
  },
  {
    name: 'numbers: those below -2^53 are passed over',
    file: 'src/schema/json-numbers.ts',
    find: "if (typeof value === 'number') return Math.abs(value) >= exactMax",
    replace: "if (typeof value === 'number') return value >= exactMax",
    tests: ['src/schema/json-numbers.test.ts'],
  },
  {
    name: 'validator: what a zod schema throws is taken for an asynchronous schema',
    file: 'src/schema/validator.ts',
    find: 'const faults = faultsOf(schema, value)',
    replace: "const faults = 'asynchronous' as ReturnType<typeof faultsOf>",
    tests: ['src/schema/validator.test.ts'],
  },
  {
    name: 'columns: they follow from what is on the log, and not from what a schema gives',
    file: 'src/schema/codec.ts',
    find: 'return outputSchemaOf(schema) ??',
    replace: 'return jsonSchema ??',
    tests: ['src/schema/columns.test.ts'],
  },
  {
    name: 'columns: a property without a name is taken for the whole value',
    file: 'src/connect/connectors/duckdb-columns.ts',
    find: 'if (property === undefined) return row => row[of]',
    replace: 'if (!property) return row => row[of]',
    tests: ['test/connect/schema-output.test.ts'],
  },
  {
    name: 'produce --json: a value is parsed and written again',
    file: 'src/cli/json-record.ts',
    find: `if (!value.startsWith('"')) return Buffer.from(value)`,
    replace: `if (!value.startsWith('"')) return Buffer.from(JSON.stringify(JSON.parse(value)))`,
    tests: ['src/cli/cli.test.ts'],
  },
  {
    name: 'numbers: a schema that makes another value before it checks is trusted with numbers',
    file: 'src/schema/number-bounds.ts',
    find: 'if (!isBehind) isChecking = false',
    replace: '',
    tests: ['src/schema/number-bounds.test.ts'],
  },
]
