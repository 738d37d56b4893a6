/**
 * What topics do to their partitions: they make, configure and remove them, and write into each of them which
 * topic it is of. The partitions vouch for their topic by that: see topic-recovery.ts.
 */
import { inParallel } from '../../base/index.ts'
import type { LogDirectory, PartitionConfig, PartitionSettings } from '../../log/index.ts'
import type { Configs } from '../configs/configs.ts'
import type { StoredTopic } from '../internal/metadata.ts'
import { unlessRetriable } from './topic-checks.ts'
import { partitionConfig, vouchedConfig } from './topic-descriptions.ts'
import { partitionsOf } from './topic-partitions.ts'

/** Partitions that are made or removed at a time: they share the syncs of the directory. */
const concurrency = 16

export class PartitionUpkeep {
  readonly #log: LogDirectory
  readonly #configs: Configs

  constructor(log: LogDirectory, configs: Configs) {
    this.#log = log
    this.#configs = configs
  }

  /** Those of the partitions of a topic. */
  settingsOf({ configs }: StoredTopic): PartitionSettings {
    return this.#configs.settingsOf(configs)
  }

  /** Makes the partitions of a topic that are not there. */
  async make(topic: StoredTopic, also: PartitionConfig = {}): Promise<void> {
    const { name, partitions } = topic
    const config = { ...partitionConfig(topic), ...also }
    const settings = this.settingsOf(topic)
    await inParallel(Array(partitions).keys(), concurrency, async index => {
      if (!this.#log.partition(name, index) && !this.#log.unrecoveredPartition(name, index))
        await this.#log.createPartition(name, index, config, settings)
    })
  }

  /** Removes partitions, and what is left of those that were not made to the end. */
  async remove(name: string, indexes: Iterable<number>): Promise<void> {
    await inParallel(indexes, concurrency, index => this.#log.deletePartition(name, index))
  }

  configure(topic: StoredTopic): void {
    const settings = this.settingsOf(topic)
    for (const partition of partitionsOf(this.#log, topic)) partition.configure(settings)
  }

  /**
   * Configures all partitions of a topic, and writes the topic into those that lack it or state other
   * configs, or another count: of an older version, with a lost file, or after a crash.
   */
  async vouch(topic: StoredTopic): Promise<void> {
    this.configure(topic)
    for (const partition of partitionsOf(this.#log, topic)) {
      const { topicId, partitions, configs } = partition.config
      const isSame =
        partitions === topic.partitions && JSON.stringify(configs) === JSON.stringify(topic.configs)
      if (topicId === undefined || !isSame)
        await this.#log.rewriteConfig(partition, vouchedConfig(partition, topic))
    }
  }

  /**
   * Configures all partitions of a topic that has changed, and writes it into them. What finds no room is
   * written at the next start.
   */
  async change(topic: StoredTopic): Promise<void> {
    this.configure(topic)
    for (const partition of partitionsOf(this.#log, topic))
      await this.#log.rewriteConfig(partition, vouchedConfig(partition, topic)).catch(unlessRetriable)
  }
}
