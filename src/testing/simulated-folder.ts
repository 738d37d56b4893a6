/**
 * The names of a simulated disk, twice like its bytes: as the operating system shows them, and as they are on
 * the platters since their folder was last synced. A crash keeps or loses each change of a name on its own.
 */
import type { Random } from '../base/index.ts'
import type { SimulatedContent, CrashMode } from './simulated-content.ts'

export type Node = SimulatedFolder | SimulatedContent

let folders = 0

export class SimulatedFolder {
  readonly id: number = (folders += 1)
  readonly shown: Map<string, Node> = new Map()
  #durable: Map<string, Node> = new Map()

  /** Another text after each change of a name in it: see `DiskStat`. */
  get version(): string {
    const names = Array.from(this.shown, ([name, node]) => `${name} ${node.id}`)
    return `folder ${this.id}: ${names.sort().join(', ')}`
  }

  sync(): void {
    this.#durable = new Map(this.shown)
  }

  /** Sets a name on the platters, as if it had always been there. */
  settle(name: string, node: Node): void {
    this.shown.set(name, node)
    this.#durable.set(name, node)
  }

  /** Removes all names beneath, as removing a folder does. Each removal is a separate change. */
  clear(): void {
    for (const node of this.shown.values()) if (node instanceof SimulatedFolder) node.clear()
    this.shown.clear()
  }

  /** Power is lost: decides about the names, then about everything that is left under them. */
  crash(mode: CrashMode, random: Random, seen: Set<Node> = new Set()): void {
    seen.add(this)
    for (const name of new Set([...this.shown.keys(), ...this.#durable.keys()])) {
      const [shown, durable] = [this.shown.get(name), this.#durable.get(name)]
      const keepsChange = mode === 'mixed' ? random.int(2) === 0 : mode === 'all kept'
      const left = keepsChange ? shown : durable
      if (left) this.shown.set(name, left)
      else this.shown.delete(name)
    }
    this.sync()
    for (const node of this.shown.values()) {
      if (seen.has(node)) continue
      seen.add(node)
      if (node instanceof SimulatedFolder) node.crash(mode, random, seen)
      else node.crash(mode, random)
    }
  }

  /** Bytes in the files beneath, each counted once. */
  sizeBytes(seen: Set<Node> = new Set()): number {
    let bytes = 0
    for (const node of this.shown.values()) {
      if (seen.has(node)) continue
      seen.add(node)
      bytes += node instanceof SimulatedFolder ? node.sizeBytes(seen) : node.size
    }
    return bytes
  }
}

/** The target of a path: its folder, its name there, and the entry. */
export interface Place {
  readonly folder: SimulatedFolder
  readonly name: string
  readonly node: Node | undefined
}

/**
 * Follows a path from the root; undefined when a folder on the way is missing. The root itself has no place.
 */
export function locate(root: SimulatedFolder, path: string): Place | undefined {
  const names = namesOf(path)
  const name = names.pop()
  let folder = root
  for (const step of names) {
    const next = folder.shown.get(step)
    if (!(next instanceof SimulatedFolder)) return undefined
    folder = next
  }
  return name === undefined ? undefined : { folder, name, node: folder.shown.get(name) }
}

/** The folder at a path, the root included. */
export function folderAt(root: SimulatedFolder, path: string): SimulatedFolder | undefined {
  if (namesOf(path).length === 0) return root
  const node = locate(root, path)?.node
  return node instanceof SimulatedFolder ? node : undefined
}

/** The names of a path; `./data` and `/data` are the same place. */
export function namesOf(path: string): string[] {
  return path.split(/[/\\]+/).filter(name => name !== '' && name !== '.')
}
