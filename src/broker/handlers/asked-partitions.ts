/**
 * The partitions that a request names, each once. Answers may be large: one name of a few bytes, repeated,
 * would make an answer of any size.
 */
export function askedOnce<K>(
  topics: Iterable<{ readonly topic: K; readonly indexes: Iterable<number> }>,
): Map<K, Set<number>> {
  const asked = new Map<K, Set<number>>()
  for (const { topic, indexes } of topics) {
    const ofTopic = asked.get(topic) ?? new Set<number>()
    for (const index of indexes) ofTopic.add(index)
    asked.set(topic, ofTopic)
  }
  return asked
}
