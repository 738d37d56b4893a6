import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mock, test } from 'node:test'
import { getHeapSpaceStatistics } from 'node:v8'
import type { Random } from '../base/index.ts'
import { collectGarbage } from '../../test/collect-garbage.ts'
import { forSeeds } from '../../test/for-seeds.ts'
import { jsonDecoder } from './json-decoder.ts'
import { decoded, slicesOf } from './slices.test-support.ts'

/** More than a decoder leaves to the parser before it learns. */
const warmUp = 70

type Text = string | Uint8Array

/** What the parser makes of it: a small batch is left to it. */
function parsed(entry: Text, numbers: 'exact' | 'lossy' = 'exact'): unknown {
  return decoded(jsonDecoder(numbers), [entry])[0]
}

/** Reads the entries with a decoder that has learned the shapes of the samples. */
function read(samples: readonly Text[], entries: readonly Text[], numbers: 'exact' | 'lossy' = 'exact') {
  const decode = jsonDecoder(numbers)
  decoded(
    decode,
    Array.from({ length: warmUp }, () => samples[0]!),
  )
  // So many are a batch.
  for (const sample of samples) decoded(decode, Array<Text>(4).fill(sample))
  return decoded(decode, [...entries, ...samples, ...samples, ...samples]).slice(0, entries.length)
}

function same(actual: unknown, expected: unknown, text: string): void {
  deepEqual(actual, expected, text)
  // The order of names, too.
  equal(JSON.stringify(actual), JSON.stringify(expected), text)
}

function readsAsParser(samples: readonly Text[], entries: readonly Text[]): void {
  for (const numbers of ['exact', 'lossy'] as const) {
    const values = read(samples, entries, numbers)
    for (const [i, entry] of entries.entries()) same(values[i], parsed(entry, numbers), String(entry))
  }
}

test('the parser is not asked for records of a shape that was learned', () => {
  const records = (count: number): string[] =>
    Array.from({ length: count }, (_, n) =>
      n % 2 === 0
        ? `{"id":${n},"at":{"lon":-${n}.5,"lat":0.25},"tags":["a","${n}"],"ok":true,"none":null}`
        : `{ "other": "${n}", "empty": {}, "list": [ ], "é": false }`,
    )
  const decode = jsonDecoder('exact')
  decoded(decode, records(warmUp))
  decoded(decode, records(4))
  const parse = mock.method(JSON, 'parse')
  const values = decoded(decode, records(1000))
  const { length } = parse.mock.calls
  parse.mock.restore()
  equal(length, 0)
  deepEqual(
    values,
    records(1000).map(text => JSON.parse(text)),
  )
})

const numbers =
  '0 -0 -0.0 7 -7 123456789012345 0.1 1.50 0.000001 123456.789012345 0.1234567890123456 1e5 1E-7 -2.5e+3 5e-324'.split(
    ' ',
  )
const badNumbers =
  '1234567890123456 9007199254740993 1e400 -1e400 01 - -01 1. .5 +1 1e 1e+ 0x1 1_000 NaN Infinity 1.5.2 1-2 --1'.split(
    ' ',
  )
const words = ['true', 'false', 'null']
const badWords = ['tru', 'nul', 'fals', 'True', 'trueish', 'nulla', 'undefined', '', ' 1', '1 ']
const strings =
  String.raw`"" "a" "short" "Zürich" "日本" "🛫" "a\nb" "\u00e9" "\ud800" "\"" "\\" "a,\"id\":1" "\\\""`
    .split(' ')
    .concat('"\ufffd"', '"\x7f"', `"${'long '.repeat(40)}"`)
const badStrings = String.raw`"\x" "\u12" "\" "a""b" "a"b" "`.split(' ').concat('"a\tb"', '"a\nb"', '"\0"')
const others = ['{}', '[]', '[1]', '{"a":1}', '1,"id":2', '1}', '1]', '1//']

test('each scalar is read as the parser reads it, wherever it is', () => {
  for (const [before, after] of [
    ['{"id":', '}'],
    ['{"a":"before","id":', ',"b":2}'],
    ['{ "a" : [ ', ' ] }\n'],
    ['[', ',"after"]'],
  ] as const)
    readsAsParser(
      [`${before}1${after}`],
      [numbers, badNumbers, words, badWords, strings, badStrings, others]
        .flat()
        .map(scalar => `${before}${scalar}${after}`),
    )
})

test('the parser is not asked for long numbers', () => {
  const records = (count: number): string[] =>
    Array.from({ length: count }, (_, n) => `{"at":[${Math.sin(n)},-${n}e-20,1e${n}],"n":9007199254740991}`)
  const decode = jsonDecoder('exact')
  decoded(decode, records(warmUp))
  decoded(decode, records(4))
  const parse = mock.method(JSON, 'parse')
  const values = decoded(decode, records(200))
  parse.mock.restore()
  equal(parse.mock.callCount(), 0)
  deepEqual(
    values,
    records(200).map(text => JSON.parse(text)),
  )
})

test('bytes that are not UTF-8 are malformed also in a record of a known shape', () => {
  const bad = [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xef, 0xbf, 0xbd, 0x80]]
  const text = (bytes: readonly number[]): Buffer =>
    Buffer.concat([Buffer.from('{"name":"x'), Buffer.from(bytes), Buffer.from('y","n":1}')])
  readsAsParser(['{"name":"xy","n":1}'], [...bad.map(text), text([0xc3, 0xbc])])
})

test('names are read as the parser reads them', () => {
  const samples = [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'Object0',
    'a0',
    '1',
    '',
    'é',
    'a"b',
    '\u2028',
    '`${x}`',
    'v0',
    '日',
  ]
    .map(name => `{"b":1,${JSON.stringify(name)}:{"c":2},"a":3}`)
    .concat([
      '{"a":1,"a":2}',
      '{"a":9007199254740993,"a":2}',
      '{"\\u0061":1}',
      '{"2":1,"1":2}',
      '[{"b":{},"a":[{"b":2,"a":3},{}]},{}]',
    ])
  for (const sample of samples)
    readsAsParser([sample], [sample, sample.replace('3', '9'), sample.replace('2', '"z"')])
})

for (const [what, property] of [
  ['setter', { set: () => undefined }],
  ['property that cannot be changed', { value: 0 }],
] as const)
  test(`a ${what} that all objects get after a shape was learned takes no value`, () => {
    const texts = Array<string>(warmUp).fill('{"a":1,"b":{"c":2}}')
    const decode = jsonDecoder('exact')
    decoded(decode, texts)
    decoded(decode, texts)
    // oxlint-disable-next-line no-extend-native -- some libraries do
    Object.defineProperty(Object.prototype, 'c', { ...property, configurable: true })
    let values
    try {
      values = decoded(decode, texts)
    } finally {
      Reflect.deleteProperty(Object.prototype, 'c')
    }
    equal(JSON.stringify(values), `[${texts.join()}]`)
  })

test('strings outlive the batch that they were in', () => {
  const decode = jsonDecoder('exact')
  const texts = Array.from({ length: warmUp }, (_, n) => `{"id":"a long identifier ${n}","n":"${n}"}`)
  decoded(decode, texts)
  decoded(decode, texts)
  const slices = slicesOf(texts)
  const into: unknown[] = []
  decode(slices, into)
  slices.bytes.fill(0)
  deepEqual(
    into,
    texts.map(text => JSON.parse(text)),
  )
})

test('a short string that many records have takes memory once', () => {
  const slices = slicesOf(Array<string>(50_000).fill('["open","EUR","0123456789"]'))
  const decode = jsonDecoder('exact')
  const into: unknown[] = []
  const decodedWords = (): unknown[] => {
    decode(slices, into)
    return into.splice(0).flat()
  }
  const heapBytes = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  decodedWords()
  const before = heapBytes()
  const kept = decodedWords()
  const bytes = heapBytes() - before
  ok(bytes < 10 * kept.length, `${bytes} bytes for ${kept.length} words`)
})

test('records that are dropped at once do not become old, also after many that were kept', () => {
  const slices = slicesOf(
    Array.from({ length: 1000 }, (_, n) => `{"id":${n},"name":"n${n}","price":${3 * n}}`),
  )
  const decode = jsonDecoder('exact')
  const into: unknown[] = []
  const oldBytes = (): number =>
    getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space')!.space_used_size
  const kept: unknown[] = []
  for (let n = 0; n < 600; n += 1) {
    decode(slices, into)
    kept.push(...into)
  }
  ok(kept.splice(0).length > 0)
  // The last that were kept become old.
  for (let n = 0; n < 300; n += 1) decode(slices, into)
  let grown = 0
  let before = oldBytes()
  for (let n = 0; n < 600; n += 1) {
    decode(slices, into)
    const now = oldBytes()
    grown += Math.max(0, now - before)
    before = now
  }
  ok(grown < 12_000_000, `${grown} bytes became old`)
})

test('records of ever new shapes are read, and no readers are compiled for them for long', () => {
  const compile = mock.method(globalThis, 'Function')
  const decode = jsonDecoder('exact')
  for (let batch = 0; batch < 100; batch += 1) {
    const texts = Array.from({ length: 100 }, (_, n) => `{"name${batch}-${n}":1,"${n}":[${'0,'.repeat(n)}1]}`)
    deepEqual(
      decoded(decode, texts),
      texts.map(text => JSON.parse(text)),
    )
  }
  compile.mock.restore()
  ok(compile.mock.callCount() > 0 && compile.mock.callCount() < 40, `${compile.mock.callCount()}`)
})

test('good rounds between others do not make readers for these again and again', () => {
  const compile = mock.method(globalThis, 'Function')
  const decode = jsonDecoder('exact')
  for (let batch = 0; batch < 400; batch += 1)
    decoded(
      decode,
      Array.from({ length: 300 }, (_, n) => (batch % 2 === 0 ? `{"n${batch}-${n}":1}` : `{"same":${n}}`)),
    )
  compile.mock.restore()
  ok(compile.mock.callCount() < 120, `${compile.mock.callCount()}`)
})

test('records of a topic may change their shape', () => {
  const decode = jsonDecoder('exact')
  const texts = (name: string): string[] => Array.from({ length: 1000 }, (_, n) => `{"${name}":${n}}`)
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    for (let n = 0; n < 3; n += 1) decoded(decode, texts(name))
    const parse = mock.method(JSON, 'parse')
    decoded(decode, texts(name))
    parse.mock.restore()
    equal(parse.mock.callCount(), 0, name)
  }
})

test('readers that read more in vain than they save are given up', () => {
  const list = (length: number): string =>
    `{"id":1,"name":"some name","tags":[${'"tag",'.repeat(length)}"last"]}`
  const topics = [
    Array.from({ length: 700 }, (_, n) => list(n % 7)),
    Array.from({ length: 700 }, (_, n) => `{"id":${n},"html":"<b class=\\"a\\">text</b>"}`),
  ]
  for (const texts of topics) {
    const decode = jsonDecoder('exact')
    for (let n = 0; n < 4; n += 1) decoded(decode, texts)
    const parse = mock.method(JSON, 'parse')
    for (let n = 0; n < 20; n += 1) decoded(decode, texts)
    parse.mock.restore()
    const parsedRecords = parse.mock.calls.filter(({ arguments: [text] }) => text.startsWith('{')).length
    ok(parsedRecords > 10 * texts.length, `${parsedRecords}`)
  }
})

test('deep and large records are read', () => {
  const deep = `${'['.repeat(4000)}1${']'.repeat(4000)}`
  equal(JSON.stringify(read([deep], [deep])), `[${deep}]`)
  const wide = JSON.stringify(Array.from({ length: 3000 }, (_, n) => n))
  const names = JSON.stringify(Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`n${n}`, n])))
  const long = JSON.stringify({ text: 'x'.repeat(2 ** 18), n: 1 })
  for (const text of [wide, names, long]) readsAsParser([text], [text, text.replace('1', '2')])
})

test('without code from text, the parser reads all records', () => {
  const script = `
    import { jsonDecoder } from ${JSON.stringify(new URL('json-decoder.ts', import.meta.url).href)}
    const bytes = Buffer.from('{"a":1}')
    const into = []
    const decode = jsonDecoder('exact')
    for (let n = 0; n < 100; n += 1)
      decode({ bytes, count: 4, starts: [0, 0, 0, 0], ends: [7, 7, 7, 7] }, into)
    console.log(JSON.stringify(into))`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', script],
    { encoding: 'utf8' },
  )
  equal(stdout, '[{"a":1},{"a":1},{"a":1},{"a":1}]\n', stderr)
})

/** JSON text of a record, with spaces here and there. */
function randomText(random: Random, depth = 0): string {
  const space = (): string => (random.int(8) === 0 ? ' ' : '')
  const kind = random.int(depth === 0 ? 2 : depth > 3 ? 5 : 8)
  const parts = <T>(part: () => T): T[] => Array.from({ length: random.int(6) }, part)
  if (depth === 0 || kind > 5) {
    const [open, close] = kind % 2 === 0 ? '{}' : '[]'
    const value = (): string => space() + randomText(random, depth + 1) + space()
    const members = parts(() =>
      open === '{' ? `${space()}${randomScalar(random, true)}${space()}:${value()}` : value(),
    )
    return `${open}${space()}${members.join()}${close}`
  }
  return randomScalar(random)
}

function randomScalar(random: Random, isName = false): string {
  const oneOf = (all: readonly string[]): string => all[random.int(all.length)]!
  if (isName)
    return oneOf(['"a"', '"b"', '"id"', '"name"', '"é"', '"__proto__"', '"1"', '"\\n"', '"longer name"'])
  return oneOf([numbers, words, strings][random.int(3)]!)
}

/**
 * A name that ends with a backslash. Once its parser has read one, Node 26.10 takes a name with an escape at
 * the same place for it.
 */
const misread = /\\\\"\s*:/

/** Damages a few bytes, or puts another scalar in. */
function mutated(text: string, random: Random): Buffer {
  let bytes = Buffer.from(text)
  for (let n = random.int(3); n >= 0; n -= 1) {
    const at = random.int(bytes.length + 1)
    const to = at + random.int(4)
    const insert = [
      () => Buffer.from(random.bytes(random.int(3))),
      () => Buffer.from('{}[],:"\\ -.e0\n'.charAt(random.int(14))),
      () => Buffer.from(randomScalar(random)),
      () => Buffer.from(bytes.subarray(random.int(bytes.length + 1)).subarray(0, random.int(9))),
    ][random.int(4)]!()
    bytes = Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(to)])
  }
  return misread.test(bytes.latin1Slice()) ? Buffer.from(text) : bytes
}

test('random records, whole and damaged, are read as the parser reads them', () =>
  forSeeds(10_000, random => {
    const samples = Array.from({ length: 1 + random.int(3) }, () => randomText(random))
    readsAsParser(samples, [
      ...samples,
      ...Array.from({ length: 50 }, () => mutated(samples[random.int(samples.length)]!, random)),
    ])
  }))
