/** schema: what records are. Serdes, codecs (schema and serde together) and topic definitions. */
export { bytes, json, text, type Schema } from './builtin.ts'
export { bytesSerde } from './bytes.ts'
export { codecOf, type Codec, type CodecOptions, type Encoder } from './codec.ts'
export { columnsOf, type Column, type ColumnType } from './columns.ts'
export { type JsonSchema } from './json-schema.ts'
export { canonicalJsonSerde, jsonSerde } from './json.ts'
export { Malformed, type Serde, type Slices } from './serde.ts'
export { stringSerde } from './string.ts'
export {
  topic,
  type ErrorPolicy,
  type Topic,
  type TopicOptions,
  type WatermarkOptions,
  type WritableTopic,
} from './topic.ts'
export { windowed, type Windowed } from './windowed.ts'
