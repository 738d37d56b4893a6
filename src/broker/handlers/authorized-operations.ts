/**
 * What a client may do, as a set of bits by Kafka's codes of operations. There are no ACLs: everything that
 * the resource has, as Apache Kafka answers without an authorizer. Told only to clients that ask for it.
 */

/** By the codes of org.apache.kafka.common.acl.AclOperation. */
const operations = {
  read: 1 << 3,
  write: 1 << 4,
  create: 1 << 5,
  delete: 1 << 6,
  alter: 1 << 7,
  describe: 1 << 8,
  clusterAction: 1 << 9,
  describeConfigs: 1 << 10,
  alterConfigs: 1 << 11,
  idempotentWrite: 1 << 12,
}

const { read, write, create, delete: remove, alter, describe } = operations
const { clusterAction, describeConfigs, alterConfigs, idempotentWrite } = operations

export const topicOperations: number =
  read | write | create | remove | alter | describe | describeConfigs | alterConfigs

export const groupOperations: number = read | remove | describe | describeConfigs | alterConfigs

export const clusterOperations: number =
  create | alter | describe | clusterAction | describeConfigs | alterConfigs | idempotentWrite

/** The client has not asked. */
export const notAsked = -2_147_483_648
