/**
 * What members of a group with protocol type `consumer` say of themselves, and what their leader assigns to
 * them. Members read a newer version as the last one that they know: later fields come after these.
 */
import type { Structure } from '../definition.ts'

/** The version in front is that of the member, which its leader may not know. */
export const consumerProtocolSubscription = {
  name: 'ConsumerProtocolSubscription',
  versions: '0-3',
  flexible: 'none',
  fields: [
    { name: 'topics', array: 'string' },
    { name: 'userData', type: 'bytes', nullable: '0+', default: null },
    {
      name: 'ownedPartitions',
      versions: '1+',
      array: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', array: 'int32' },
      ],
    },
    { name: 'generationId', type: 'int32', versions: '2+', default: -1 },
    { name: 'rackId', type: 'string', versions: '3+', nullable: '3+', default: null },
  ],
} as const
consumerProtocolSubscription satisfies Structure

/** Every version has the same fields. */
export const consumerProtocolAssignment = {
  name: 'ConsumerProtocolAssignment',
  versions: '0-3',
  flexible: 'none',
  fields: [
    {
      name: 'assignedPartitions',
      array: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', array: 'int32' },
      ],
    },
    { name: 'userData', type: 'bytes', nullable: '0+', default: null },
  ],
} as const
consumerProtocolAssignment satisfies Structure
