/**
 * Whose a data directory is. millrace writes only into directories that it made itself, which `millrace.json` says; a wrong path must
 * not cost anyone their files. A log directory of Apache Kafka's (`meta.properties`) can be read, not written.
 */
import { fromUtf8, MillraceError, utf8, type Disk } from '../base/index.ts'
import { directoryError } from './disk-errors.ts'
import { directoryMarkName, kafkaMarkName, lockName } from './file-names.ts'
import { readFile, replaceFile } from './small-file.ts'

/** Raised when an older millrace could not read the directory any more. */
const format = 1

/**
 * Makes sure that the directory is there, and ours.
 * @throws MillraceError DATA_DIR_FOREIGN, DATA_DIR_UNREADABLE
 */
export async function claimDirectory(disk: Disk, path: string, readOnly: boolean): Promise<void> {
  const names = await listDirectory(disk, path)
  if (names.includes(directoryMarkName)) return checkMark(disk, path)
  if (readOnly && names.includes(kafkaMarkName)) return
  const strangers = names.filter(name => !name.startsWith(lockName) && name !== `${directoryMarkName}.tmp`)
  if (strangers.length > 0 || readOnly)
    throw new MillraceError(
      'DATA_DIR_FOREIGN',
      names.includes(kafkaMarkName)
        ? `${path} is a log directory of Apache Kafka's: it can be opened with { readOnly: true }, not written. Give millrace a directory of its own.`
        : `${path} is not a data directory of millrace's: it has no ${directoryMarkName}${strangers.length > 0 ? `, but ${strangers.slice(0, 3).join(', ')}` : ''}. Check the path, or give an empty directory.`,
    )
  await replaceFile(disk, path, directoryMarkName, fromUtf8(`${JSON.stringify({ format })}\n`))
}

async function listDirectory(disk: Disk, path: string): Promise<string[]> {
  try {
    return await disk.list(path)
  } catch (cause) {
    throw directoryError(cause, path, 'listed')
  }
}

async function checkMark(disk: Disk, path: string): Promise<void> {
  const bytes = (await readFile(disk, `${path}/${directoryMarkName}`)) ?? Buffer.alloc(0)
  let found: unknown
  try {
    found = (JSON.parse(utf8(bytes)) as { format?: unknown }).format
  } catch {
    found = undefined
  }
  if (found === format) return
  throw new MillraceError(
    'DATA_DIR_UNREADABLE',
    `${path}/${directoryMarkName} says format ${JSON.stringify(found)}; this version of millrace reads format ${format}. Use the version that wrote it.`,
  )
}
