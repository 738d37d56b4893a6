/** schema: what records are. Serdes, codecs (schema and serde together) and topic definitions. */
export { codecOf, type Codec, type CodecOptions } from './codec.ts'
export { Malformed, type Serde, type Slices } from './serde.ts'
export { topic, type ErrorPolicy, type Topic, type TopicOptions, type WatermarkOptions } from './topic.ts'
