/**
 * The bugs that our tests have to catch, each a small patch of the sources: what one gets wrong in a log and a stream processor, and what no
 * test notices that only looks at a run in which nothing goes wrong. main.ts applies them one by one; bugs.test.ts keeps the patches current.
 */
export interface SeededBug {
  readonly name: string
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Test files, of which one at least fails. */
  readonly tests: readonly string[]
}

export const bugs: readonly SeededBug[] = [
  {
    name: 'no fdatasync: a segment is never synced',
    file: 'src/log/segment.ts',
    find: "this.#context.files.use(this.path, 'write', file => file.sync())",
    replace: "this.#context.files.use(this.path, 'write', file => file.size())",
    tests: ['test/log/simulator.test.ts', 'test/log/disk-faults.test.ts', 'test/broker/crash.test.ts'],
  },
  {
    name: 'acknowledge before sync: a write is taken for durable',
    file: 'src/log/group-commit.ts',
    find: '        flush.written.done()\n',
    replace: '        flush.written.done()\n        flush.durable.done()\n',
    tests: ['src/log/group-commit.test.ts', 'test/log/simulator.test.ts', 'test/broker/crash.test.ts'],
  },
  {
    name: 'acknowledge before sync: what is only written shows',
    file: 'src/log/partition.ts',
    find: "if (this.#context.durability === 'os') this.#advance(flush.endOffset)",
    replace: 'this.#advance(flush.endOffset)',
    tests: ['src/log/partition.test.ts'],
  },
  {
    name: 'marker before its data: the commit point does not wait for the sync of what is committed',
    file: 'src/broker/transactions.ts',
    find: "      if (outcome === 'commit') await this.#log.syncAll(participants)\n",
    replace: '',
    tests: ['test/broker/crash.test.ts'],
  },
  {
    name: 'time in which nobody could act: a stall counts in full',
    file: 'src/base/active-clock.ts',
    find: 'Math.min(elapsedMs, lateStepsMax * this.#stepMs)',
    replace: 'elapsedMs',
    tests: ['test/broker/stopped.test.ts'],
  },
  {
    name: 'marker before its data: a marker overtakes the batches in front of it',
    file: 'src/log/flush.ts',
    find: '    this.batches.push(batch)\n',
    replace:
      '    if (batch.maxTimestamp === -1) this.batches.unshift(batch)\n    else this.batches.push(batch)\n',
    tests: ['src/log/timestamp-search.test.ts', 'test/log/simulator.test.ts'],
  },
  {
    name: 'stale checkpoint accepted: a log may end below what is known to be synced',
    file: 'src/log/recovery.ts',
    find: 'if (active.nextOffset < recoveryPoint && !this.#input.repair)',
    replace: 'if (active.nextOffset < recoveryPoint && this.#input.repair)',
    tests: ['test/log/damage.test.ts'],
  },
  {
    name: 'stale checkpoint accepted: damage below what is known to be synced is cut off',
    file: 'src/log/recovery.ts',
    find: 'if (end.offset < this.#input.recoveryPoint && !this.#input.repair) throw new Damage(reason)',
    replace: 'if (end.offset < 0) throw new Damage(reason)',
    tests: ['test/log/damage.test.ts'],
  },
  {
    name: 'stale checkpoint accepted: what is known of a deleted partition is held against a new one',
    file: 'src/log/log-directory.ts',
    find: '      await this.#checkpoints.saveRecoveryPoints()\n      await this.#checkpoints.saveLogStarts()\n      await disk.remove(aside)\n',
    replace: '      await disk.remove(aside)\n',
    tests: ['src/log/log-directory.test.ts'],
  },
  {
    name: 'stale checkpoint accepted: the mark of a clean stop outlives the next start',
    file: 'src/log/log-directory.ts',
    find: '      await disk.remove(`${this.path}/${cleanMarkerName}`)\n',
    replace: '',
    tests: ['src/log/log-directory.test.ts', 'test/log/simulator.test.ts', 'test/broker/crash.test.ts'],
  },
  {
    name: 'skipped epoch bump: the end of a transaction keeps the epoch',
    file: 'src/broker/transactions.ts',
    find: '      entry.epoch += 1\n      await this.#write(',
    replace: '      await this.#write(',
    tests: ['test/broker/transactions.test.ts', 'test/broker/conformance.test.ts'],
  },
  {
    name: 'skipped epoch bump: after an unclean stop',
    file: 'src/broker/transaction-recovery.ts',
    find: '        producerEpoch: Math.min(state.producerEpoch + 1, epochMax),\n        status:',
    replace: '        producerEpoch: state.producerEpoch,\n        status:',
    tests: [
      'test/broker/transactions.test.ts',
      'test/broker/conformance.test.ts',
      'test/broker/crash.test.ts',
    ],
  },
  {
    name: 'offset + 1 across a marker: a reader',
    file: 'src/broker/reader.ts',
    find: '    source.position = batch.nextOffset\n',
    replace: '    source.position = batch.batch.lastOffset + 1\n',
    tests: ['test/broker/conformance.test.ts'],
  },
  {
    name: 'offset + 1 across a marker: the read of a segment',
    file: 'src/log/segment.ts',
    find: '            nextOffset = batch.nextOffset\n',
    replace: '            nextOffset = batch.isControl ? batch.baseOffset : batch.nextOffset\n',
    tests: ['test/log/simulator.test.ts', 'test/log/damage.test.ts'],
  },
  {
    name: 'offset + 1 across a marker: recovery',
    file: 'src/log/recovery.ts',
    find: '  segment.index(batch.lastOffset,',
    replace: '  segment.index(batch.isControl ? batch.lastOffset - 1 : batch.lastOffset,',
    tests: ['test/log/simulator.test.ts', 'test/log/damage.test.ts'],
  },
  {
    name: 'offset + 1 across a marker: what a consumer commits',
    file: 'src/port/consumer.ts',
    find: 'nextOffset: fetched.nextOffset }',
    replace: 'nextOffset: fetched.batch.nextOffset }',
    tests: ['test/broker/consumer.test.ts'],
  },
  {
    name: 'a lost partition is committed: by a member that was expelled at work',
    file: 'src/port/assigned-partitions.ts',
    find: '      this.#leaving.delete(partition)\n      this.dropWork(partition)\n',
    replace: '      if (this.#work?.partition === partition) this.#work = undefined\n',
    tests: ['test/broker/consumer.test.ts'],
  },
  {
    name: 'dirty key dropped from the changelog: the first of each commit',
    file: 'src/state/keyed-state.ts',
    find: '    for (const entry of this.#dirty) {\n',
    replace: '    for (const entry of this.#dirty.slice(1)) {\n',
    tests: ['src/state/keyed-state.model.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'dirty key dropped from the changelog: one that was deleted',
    file: 'src/state/keyed-state.ts',
    find: "      if (entry.inStore === 'stored') changes.push([storeKey, undefined])\n",
    replace: '',
    tests: ['src/state/keyed-state.model.test.ts'],
  },
  {
    name: 'watermark forgotten at restart: offsets are committed without it',
    file: 'src/stream/source-partition.ts',
    find: '      ...(Number.isFinite(this.watermark) && { watermark: this.watermark }),\n',
    replace: '',
    tests: ['test/stream/oracle.test.ts', 'test/app/invariant.test.ts'],
  },
  {
    name: 'watermark forgotten at restart: by the task',
    file: 'src/stream/assignment.ts',
    find: '    return Math.min(...watermarks)\n',
    replace: '    return Math.min(...watermarks, Number.NEGATIVE_INFINITY)\n',
    tests: ['test/app/time.test.ts'],
  },
  {
    name: 'a commit inside a batch says that the batch is through',
    file: 'src/stream/source-partition.ts',
    find: '    this.position = isThrough ? this.#nextOffset : (this.#decoded.offsets[this.#next] as number)\n',
    replace: '    this.position = this.#nextOffset\n',
    tests: ['test/app/commits.test.ts'],
  },
  {
    name: 'a commit waits for the end of the batch: a turn is bounded by records only',
    file: 'src/stream/turn.ts',
    find: 'this.#records >= turnRecordsMax || now - this.#startedAt >= turnMsMax',
    replace: 'this.#records >= turnRecordsMax',
    tests: ['test/app/commits.test.ts'],
  },
  {
    name: 'a commit inside a batch leaves the tasks downstream behind: their time is taken for passed',
    file: 'src/stream/instance.ts',
    find: '      await this.#advance(assignment)\n      const now',
    replace: '      if (!this.#current) await this.#advance(assignment)\n      const now',
    tests: ['test/app/commits.test.ts'],
  },
  {
    name: 'a run fails silently: its outcome has a handler of its own',
    file: 'src/base/outcome.ts',
    find: '    })()\n  }\n',
    replace: '    })()\n    this.#outcome.catch(() => {})\n  }\n',
    tests: ['test/app/endings.test.ts'],
  },
  {
    name: 'a log closes without waiting for the apps over it',
    file: 'src/create-app.ts',
    find: "        ask('stop')\n        return outcome.ended\n",
    replace: "        ask('stop')\n        return Promise.resolve()\n",
    tests: ['test/app/endings.test.ts'],
  },
  {
    name: 'a closed reader wakes at once for ever: who waits for it spins',
    file: 'src/broker/reader.ts',
    find: '    if (this.#closed) return Promise.reject(closedReader())\n',
    replace: '    if (this.#closed) return Promise.resolve()\n',
    tests: ['test/broker/conformance.test.ts'],
  },
  {
    name: 'offsets committed outside the transaction: right after it',
    file: 'src/stream/commits.ts',
    find: '    if (settings.exactlyOnce)\n      await this.#writer.commit({',
    replace:
      '    if (settings.exactlyOnce) await this.#writer.commit()\n    if (settings.exactlyOnce)\n      await this.#context.port.commitOffsets({',
    tests: ['test/app/invariant.test.ts'],
  },
  {
    name: 'offsets committed outside the transaction: right before it',
    file: 'src/stream/commits.ts',
    find: '    if (settings.exactlyOnce)\n      await this.#writer.commit({',
    replace:
      '    if (settings.exactlyOnce) await this.#context.port.commitOffsets({ group: app, offsets })\n    if (settings.exactlyOnce)\n      await this.#writer.commit({',
    tests: ['test/app/invariant.test.ts'],
  },
  {
    name: 'an aborted record shown: a reader admits every batch',
    file: 'src/broker/reader.ts',
    find: '    return !(batch.isTransactional && this.#producers.has(batch.producerId))\n',
    replace: '    return true\n',
    tests: ['test/broker/conformance.test.ts'],
  },
  {
    name: 'an aborted record shown: of a transaction that began before the read',
    file: 'src/log/abort-index.ts',
    find: '    if (entry.firstOffset < to) found.push(entry)\n',
    replace: '    if (entry.firstOffset >= from && entry.firstOffset < to) found.push(entry)\n',
    tests: ['src/log/abort-index.test.ts', 'test/log/simulator.test.ts'],
  },
  {
    name: 'an aborted record shown: after recovery',
    file: 'src/log/recovery.ts',
    find: '          if (aborted) segment.aborted.push(aborted)\n',
    replace: '          if (aborted && this.#input.clean) segment.aborted.push(aborted)\n',
    tests: ['src/log/log-directory.test.ts'],
  },
  {
    name: 'an aborted record shown: where the index was lost',
    file: 'src/log/recovery.ts',
    find: "    if (!(await this.#context.disk.exists(this.#path('index', segment.baseOffset)))) return false\n",
    replace: '',
    tests: ['src/log/log-directory.test.ts'],
  },
  {
    name: 'an aborted record shown: before its marker is safe',
    file: 'src/log/partition-appender.ts',
    find: '    if (ended) this.#visibility.end(ended)\n',
    replace: '',
    tests: ['src/log/partition.test.ts'],
  },
  {
    name: 'recovery trusts what a failed sync left in memory',
    file: 'src/log/recovery.ts',
    find: '      await copyBytes(file, vouchedFor, scanned.position, file, vouchedFor, `writing ${segment.path} anew`)\n',
    replace: '',
    tests: ['test/log/simulator.test.ts'],
  },
  {
    name: 'a failed sync is tried again',
    file: 'src/log/group-commit.ts',
    find: '      if (!this.#broken) this.break(this.#target.failed(error))\n    } finally {\n      this.#syncing = undefined\n',
    replace:
      '      if (!this.#broken && !isMillraceError(error)) this.#wantedOffset = this.#writtenOffset\n    } finally {\n      this.#syncing = undefined\n',
    tests: ['test/log/disk-faults.test.ts'],
  },
  {
    name: 'what found no room is not cut back',
    file: 'src/log/segment.ts',
    find: '        await file.truncate(this.sizeBytes)\n        await file.sync()\n',
    replace: '        await file.sync()\n',
    tests: ['test/log/simulator.test.ts'],
  },
  {
    name: 'what recovery cuts off is not kept aside',
    file: 'src/log/recovery.ts',
    find: '        await copyAside(disk, file, end.position, sizeBytes, aside)\n',
    replace: '',
    tests: ['test/log/damage.test.ts'],
  },
  {
    name: 'at the entrance: a function that returns nothing deletes',
    file: 'src/stream/returned.ts',
    find: 'if (value === undefined || value instanceof Promise) throw',
    replace: 'if (value instanceof Promise) throw',
    tests: ['src/stream/returned.test.ts'],
  },
  {
    name: 'at the entrance: a table of another app is joined',
    file: 'src/stream/graph.ts',
    find: 'if (this.nodes[node.id] === node) return',
    replace: 'if (this.nodes.length > 0) return',
    tests: ['src/stream/arguments.test.ts'],
  },
  {
    name: 'at the entrance: keys of windows are written to a topic of text keys',
    file: 'src/stream/key-forms.ts',
    find: "if (isWindowedForm(given)) return isWindowedForm(taken) || taken === 'json' ? undefined : windowed",
    replace: 'if (isWindowedForm(given)) return undefined',
    tests: ['src/stream/arguments.test.ts'],
  },
]
