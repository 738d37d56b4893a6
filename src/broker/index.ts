/** broker: LogPort in process, over the commit log in a folder; and Kafka's protocol in front of it. */
export { InProcessLog, type InProcessLogOptions } from './in-process.ts'
export { serveLog, type ListenOptions, type LogServer } from './log-server.ts'
export { ReadOnlyLog } from './read-only-log.ts'
export { type InternalLimits } from './internal/internal-log.ts'
export { errorCodes, type KafkaError } from './handlers/error-codes.ts'
export { type Handler, type RequestContext } from './handlers/handler.ts'
export { handlerOf, type HandlerOf } from './handlers/index.ts'
