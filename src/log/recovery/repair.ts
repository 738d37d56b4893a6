/**
 * Repairs a partition that is damaged below its recovery point: a user decides to keep the records before the
 * damage. The rest is quarantined, as in recovery.
 *
 * The recovery point is lowered last. Interrupted before that, the partition refuses as before, and the
 * repair is run once more.
 */
import { MillraceError, type Clock, type Disk } from '../../base/index.ts'
import { readCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts'
import { lockDirectory } from '../files/directory-lock.ts'
import { claimDirectory } from '../files/directory-mark.ts'
import { diskError } from '../files/disk-errors.ts'
import {
  cleanMarkerName,
  parsePartitionFolder,
  partitionConfigName,
  partitionFolder,
  logStartsName,
  recoveryPointsName,
} from '../files/file-names.ts'
import { OpenFiles } from '../files/open-files.ts'
import { patientDisk } from '../files/patient-disk.ts'
import { encodePartitionConfig, readPartitionConfig } from '../files/partition-config.ts'
import { recoverPartition, type PartitionRecovery } from './recovery.ts'
import { LoadedIndexes } from '../segment/loaded-indexes.ts'
import { indexIntervalBytesDefault } from '../segment/segment-indexes.ts'
import { removeIfThere, replaceFile } from '../files/small-file.ts'

const filesMax = 16

/**
 * Cuts a damaged partition off where the damage begins. The directory must not be open in any process. Every
 * batch is checked; if none is damaged, nothing is cut.
 *
 * @returns the findings, and under `cut` the cut and the files that keep its bytes
 * @throws MillraceError UNKNOWN_PARTITION, DATA_DIR_IN_USE, DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE, DISK_FULL,
 *   DISK_FAILED, INVALID_ARGUMENT
 */
export async function repairPartition(
  path: string,
  topic: string,
  index: number,
  { disk: machine, clock }: { readonly disk: Disk; readonly clock: Clock },
): Promise<PartitionRecovery> {
  const name = partitionFolder(topic, index)
  const folder = `${path}/${name}`
  const disk = patientDisk(machine, clock, () => files.spare())
  const files = new OpenFiles(disk, filesMax)
  // A repair looks nothing up.
  const indexes = new LoadedIndexes(0)
  let lock
  try {
    if (!(await disk.exists(folder)))
      throw new MillraceError(
        'UNKNOWN_PARTITION',
        `The partition ${index} of '${topic}' does not exist in ${path}. Check the folder and the names.`,
      )
    lock = await lockDirectory(disk, clock, path)
    await claimDirectory(disk, path, false)
    // The next start must check the files itself.
    await removeIfThere(disk, `${path}/${cleanMarkerName}`)
    await disk.syncDirectory(path)
    const recoveryPoints = await readCheckpoint(disk, path, recoveryPointsName)
    const logStarts = await readCheckpoint(disk, path, logStartsName)
    const { report } = await recoverPartition(
      { disk, clock, files, indexes, indexIntervalBytes: indexIntervalBytesDefault, readOnly: false },
      {
        topic,
        index,
        folder,
        recoveryPoint: recoveryPoints.offsets.get(name) ?? 0,
        logStartOffset: logStarts.offsets.get(name),
        startIsProved: logStarts.state === 'good',
        repair: true,
      },
    )
    // Also if an interrupted repair had cut already.
    if (report.logEndOffset < (recoveryPoints.offsets.get(name) ?? (report.cut ? Infinity : 0))) {
      const { config } = await readPartitionConfig(disk, folder)
      const bytes = encodePartitionConfig({
        ...config,
        cutAt: report.logEndOffset,
        cutId: `${clock.now()}`,
      })
      await replaceFile(disk, folder, partitionConfigName, bytes)
    }
    await save(disk, path, logStartsName, logStarts, name, report.logStartOffset)
    await save(disk, path, recoveryPointsName, recoveryPoints, name, report.logEndOffset)
    return report
  } catch (error) {
    throw diskError(error, `repairing ${folder}`)
  } finally {
    await files.close()
    await lock?.release()
  }
}

/**
 * Replaces one partition's line. A damaged file is left for the next start: the lines of the other partitions
 * are unknown.
 */
async function save(
  disk: Disk,
  path: string,
  file: string,
  { state, offsets }: Checkpoint,
  name: string,
  offset: number,
): Promise<void> {
  if (state === 'damaged') return
  const lines = [...offsets, [name, offset] as const]
  const byName = new Map(lines)
  await writeCheckpoint(
    disk,
    path,
    file,
    Array.from(byName, ([partition, at]) => ({ ...parsePartitionFolder(partition)!, offset: at })),
    state === 'unchecked' ? 'unchecked' : 'good',
  )
}
