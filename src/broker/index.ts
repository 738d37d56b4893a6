/** broker: LogPort in process, over the commit log in a folder; and Kafka's protocol in front of it. */
export { InProcessLog, type InProcessLogOptions } from './in-process.ts'
export { KafkaServer, type KafkaServerOptions, type ServerLimits } from './server/kafka-server.ts'
export { serveLog, type ListenOptions, type LogServer, type Served } from './log-server.ts'
export { ReadOnlyLog } from './read-only-log.ts'
export { type InternalLimits } from './internal/internal-log.ts'
