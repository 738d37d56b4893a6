/** port: LogPort, the narrow waist between a log and its users, with the producer and consumer over it. */
export type * from './log-port.ts'
