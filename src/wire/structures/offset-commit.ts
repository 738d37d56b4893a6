/** The records of committed offsets in `__consumer_offsets`. */
import type { Structure } from '../definition.ts'

/** The version of a key is the kind of its record: 1, and in the oldest logs 0. */
export const offsetCommitKey = {
  name: 'OffsetCommitKey',
  versions: '0-1',
  flexible: 'none',
  fields: [
    { name: 'group', type: 'string' },
    { name: 'topic', type: 'string' },
    { name: 'partition', type: 'int32' },
  ],
} as const
offsetCommitKey satisfies Structure

/** Version 2 dropped the time of expiry. Version 4 has compact fields, and the id of the topic. */
export const offsetCommitValue = {
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: [
    { name: 'offset', type: 'int64' },
    { name: 'leaderEpoch', type: 'int32', versions: '3+', default: -1 },
    { name: 'metadata', type: 'string' },
    { name: 'commitTimestamp', type: 'int64' },
    { name: 'expireTimestamp', type: 'int64', versions: '1', default: -1 },
    { name: 'topicId', type: 'uuid', versions: '4+', tag: 0 },
  ],
} as const
offsetCommitValue satisfies Structure
