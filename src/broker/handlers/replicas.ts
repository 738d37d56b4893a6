/** Assignments of replicas to brokers, of which there is one. */

/** Why these brokers cannot have the replicas of a partition; undefined: they can. */
export function wrongReplicas(brokerIds: readonly number[], nodeId: number): string | undefined {
  if (brokerIds.length === 0) return 'The assignment has no replica: name this broker.'
  const other = brokerIds.find(id => id !== nodeId)
  if (other !== undefined)
    return `The assignment names broker ${other}, and there is only ${nodeId}: millrace does not replicate.`
  return brokerIds.length === 1 ? undefined : `The assignment names broker ${nodeId} more than once.`
}
