/** schema, the types of records: serdes, codecs (a schema with a serde) and topic definitions. */
export { bytes, json, text, type Schema } from './builtin.ts'
export { type Codec, type Numbers } from './codec.ts'
export { columnsOf, type ColumnType } from './columns.ts'
export { canonicalJson } from './json.ts'
export { numberChanges, parseJson } from './json-numbers.ts'
export { Malformed, type Slices } from './serde.ts'
export {
  checkPolicy,
  checkTopic,
  topic,
  type ErrorPolicy,
  type Topic,
  type TopicOptions,
  type WatermarkOptions,
  type WritableTopic,
} from './topic.ts'
export { isWindowedForm, windowed, type Windowed, windowedForm, windowedJson } from './windowed.ts'
