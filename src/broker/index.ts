/** broker: LogPort in process, over the commit log in a folder. */
export { InProcessLog } from './in-process.ts'
