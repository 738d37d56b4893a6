/** ListPartitionReassignments (46), version 0. With one broker nothing moves: there are none. */
import { messages } from '../../wire/index.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler } from './handler.ts'

export const listPartitionReassignments: Handler = handler(messages.listPartitionReassignments, () => ({
  throttleTimeMs: 0,
  errorCode: errorCodes.NONE,
  errorMessage: null,
  topics: [],
}))
