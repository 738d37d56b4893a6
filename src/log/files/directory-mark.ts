/**
 * The mark of a data directory. millrace writes only into directories that it has created, which
 * `millrace.json` marks: a wrong path must not cost anyone their files. Its content is a constant. So a
 * damaged mark is written again if the rest of the folder is a log of millrace and nothing else. A log
 * directory of Apache Kafka's (`meta.properties`) can be read, not written.
 */
import { MillraceError, type Disk, systemCode } from '../../base/index.ts'
import { readChecked, withCheck } from './checked-text.ts'
import { directoryError } from './disk-errors.ts'
import {
  cleanMarkerName,
  cleanStopName,
  directoryEpochName,
  directoryMarkName,
  isLeftOver,
  kafkaMarkName,
  lockName,
  metadataName,
  parsePartitionFolder,
  parseSegmentFile,
  partitionConfigName,
  logStartsName,
  recoveryPointsName,
} from './file-names.ts'
import { readFile, replaceFile } from './small-file.ts'

/** Raised when an older millrace can no longer read the directory. */
const format = 1
const mark = withCheck(`${JSON.stringify({ format })}\n`)
const ownFiles: ReadonlySet<string> = new Set([
  directoryEpochName,
  directoryMarkName,
  metadataName,
  cleanMarkerName,
  cleanStopName,
  recoveryPointsName,
  logStartsName,
])

/**
 * Makes sure that the directory exists, and is ours.
 * @throws MillraceError DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE
 */
export async function claimDirectory(disk: Disk, path: string, readOnly: boolean): Promise<void> {
  const names = await listDirectory(disk, path)
  if (names.includes(directoryMarkName)) return checkMark(disk, path, names, readOnly)
  if (readOnly && names.includes(kafkaMarkName)) return
  const strangers = names.filter(name => !name.startsWith(lockName) && name !== `${directoryMarkName}.tmp`)
  if (strangers.length > 0 || readOnly)
    throw new MillraceError(
      'DATA_DIR_FOREIGN',
      names.includes(kafkaMarkName)
        ? `${path} is a log directory of Apache Kafka's: it can be opened with { readOnly: true }, not written. Give millrace its own directory.`
        : `${path} is not a data directory of millrace's: it has no ${directoryMarkName}${strangers.length > 0 ? `, but ${strangers.slice(0, 3).join(', ')}` : ''}. Check the path, or give an empty directory.`,
    )
  await replaceFile(disk, path, directoryMarkName, mark)
}

async function listDirectory(disk: Disk, path: string): Promise<string[]> {
  try {
    return await disk.list(path)
  } catch (cause) {
    throw directoryError(cause, path, 'listed')
  }
}

async function checkMark(
  disk: Disk,
  path: string,
  names: readonly string[],
  readOnly: boolean,
): Promise<void> {
  const found = readChecked((await readFile(disk, `${path}/${directoryMarkName}`)) ?? Buffer.alloc(0))
  const stated = found.state === 'bad' ? undefined : formatIn(found.text)
  if (stated !== undefined && stated > format)
    throw new MillraceError(
      'DATA_DIR_UNREADABLE',
      `${path}/${directoryMarkName} says format ${stated}; this version of millrace reads format ${format}. Use the version that wrote it.`,
    )
  if (stated === format && found.state === 'good') return
  // Written by 0.1.0, without a check line; or damaged, and its content is a constant.
  if (stated !== format && !(await isOurs(disk, path, names)))
    throw new MillraceError(
      'DATA_DIR_UNREADABLE',
      `${path}/${directoryMarkName} is damaged, and ${path} has other files than those of a millrace log. Check the path. If it is right, move the other files to another folder.`,
    )
  if (!readOnly) await replaceFile(disk, path, directoryMarkName, mark)
}

/** The format that a mark states; undefined if it is invalid. */
function formatIn(text: string): number | undefined {
  try {
    const { format: stated } = JSON.parse(text) as { format?: unknown }
    return Number.isInteger(stated) && (stated as number) > 0 ? (stated as number) : undefined
  } catch {
    return undefined
  }
}

/** Whether the folder holds only files of millrace. */
async function isOurs(disk: Disk, path: string, names: readonly string[]): Promise<boolean> {
  // A file that is written at every start.
  if (!names.includes(recoveryPointsName)) return false
  for (const name of names) {
    if (name.startsWith(lockName) || ownFiles.has(name.replace(/\.tmp$/, '')) || isLeftOver(name)) continue
    if (!parsePartitionFolder(name) || !(await isPartition(disk, `${path}/${name}`))) return false
  }
  return true
}

async function isPartition(disk: Disk, folder: string): Promise<boolean> {
  try {
    const files = await disk.list(folder)
    return files.some(name => name === partitionConfigName || parseSegmentFile(name)?.extension === 'log')
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return false
    throw error
  }
}
