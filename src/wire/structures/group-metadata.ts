/** The records of groups in `__consumer_offsets`. */
import type { Structure } from '../definition.ts'

/** The version of a key is the kind of its record. */
export const groupMetadataKey = {
  name: 'GroupMetadataKey',
  versions: '2',
  flexible: 'none',
  fields: [{ name: 'group', type: 'string' }],
} as const
groupMetadataKey satisfies Structure

/** A group without members has an empty list of them, and null as protocol and leader. */
export const groupMetadataValue = {
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: [
    { name: 'protocolType', type: 'string' },
    { name: 'generation', type: 'int32' },
    { name: 'protocol', type: 'string', nullable: '0+' },
    { name: 'leader', type: 'string', nullable: '0+' },
    { name: 'currentStateTimestamp', type: 'int64', versions: '2+', default: -1 },
    {
      name: 'members',
      array: [
        { name: 'memberId', type: 'string' },
        { name: 'groupInstanceId', type: 'string', versions: '3+', nullable: '3+', default: null },
        { name: 'clientId', type: 'string' },
        { name: 'clientHost', type: 'string' },
        { name: 'rebalanceTimeout', type: 'int32', versions: '1+', default: -1 },
        { name: 'sessionTimeout', type: 'int32' },
        { name: 'subscription', type: 'bytes' },
        { name: 'assignment', type: 'bytes' },
      ],
    },
  ],
} as const
groupMetadataValue satisfies Structure
