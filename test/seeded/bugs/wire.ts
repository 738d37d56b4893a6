/** Bugs of Kafka's messages: their codec and their frames. */
import type { SeededBug } from '../seeded-bug.ts'

export const wireBugs: readonly SeededBug[] = [
  {
    name: 'bytes that are not UTF-8 are read as other text',
    file: 'src/wire/codec/message-reader.ts',
    find: "    if (text.includes('\\ufffd') &&",
    replace: '    if (false &&',
    tests: ['src/wire/codec/message-values.test.ts'],
  },
  {
    name: 'an int64 past 2^53 is rounded',
    file: 'src/wire/codec/message-reader.ts',
    find: '    if (!Number.isSafeInteger(value))',
    replace: '    if (Number.isNaN(value))',
    tests: ['src/wire/codec/message-values.test.ts'],
  },
  {
    name: 'a tagged field is read past the end that its size says',
    file: 'src/wire/codec/struct-decoder.ts',
    find: '      if (from.at !== end) throw',
    replace: '      if (from.at < end) throw',
    tests: ['src/wire/codec/message-values.test.ts'],
  },
  {
    name: 'null is read where a field must not be null',
    file: 'src/wire/codec/struct-decoder.ts',
    find: '  const min = isNullable ? -1 : 0\n',
    replace: '  const min = -1\n',
    tests: ['src/wire/codec/message-values.test.ts'],
  },
  {
    name: 'bytes that follow a message are ignored',
    file: 'src/wire/codec/message-codec.ts',
    find: '  if (from.bytesLeft !== 0)',
    replace: '  if (from.bytesLeft < 0)',
    tests: ['src/wire/codec/message-codec.test.ts'],
  },
  {
    name: 'the value of a tagged field is not moved behind a longer size',
    file: 'src/wire/codec/message-writer.ts',
    find: '      this.#buffer.copyWithin(start + sizeOfUnsignedVarint(size) - 1, start, end)\n',
    replace: '      this.#buffer.copyWithin(start, start, end)\n',
    tests: ['src/wire/codec/message-values.test.ts'],
  },
  {
    name: 'a number past its field is cut off',
    file: 'src/wire/codec/message-writer.ts',
    find: '    if (value !== (value << 16) >> 16)',
    replace: '    if (Number.isNaN(value))',
    tests: ['src/wire/codec/message-values.test.ts'],
  },
  {
    name: 'a request to an older broker silently lacks what must not be ignored',
    file: 'src/wire/codec/struct-encoder.ts',
    find: '  const lacking = isRequest ? plan.lacking : []\n',
    replace: '  const lacking: typeof plan.lacking = isRequest ? [] : []\n',
    tests: ['src/wire/codec/message-values.test.ts'],
  },
  {
    name: 'the records of a Fetch response are copied',
    file: 'src/wire/codec/message-writer.ts',
    find: '    if (value.length <= copiedBytesMax)',
    replace: '    if (value.length <= 1024 * copiedBytesMax)',
    tests: ['src/wire/codec/message-frame.test.ts'],
  },
  {
    name: 'the response of ApiVersions has a flexible header, which old clients cannot read',
    file: 'src/wire/codec/message-frame.ts',
    find: '  return definition.key !== apiVersions.key && isVersionIn',
    replace: '  return isVersionIn',
    tests: ['src/wire/codec/message-frame.test.ts'],
  },
]
