/** Changes frames as a broken or hostile client might. */
import type { Random } from '../../../src/base/index.ts'

const lengthBytes = 4
/** Values at which lengths, counts and numbers overflow or change their meaning. */
const limits = [
  0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff,
]

/**
 * A frame with some changes. `other` is one whose bytes may be mixed in. Mostly its length is then made
 * right, so that it is not only the length that is refused.
 */
export function mutated(random: Random, frame: Buffer, other: Buffer): Buffer {
  let changed: Buffer = Buffer.from(frame)
  for (let changes = random.int(3); changes >= 0; changes -= 1) changed = changeOnce(random, changed, other)
  if (changed.length >= lengthBytes && random.next() < 0.95)
    changed.writeInt32BE(changed.length - lengthBytes)
  return changed
}

function changeOnce(random: Random, frame: Buffer, other: Buffer): Buffer {
  const at = random.int(frame.length)
  const length = random.int(Math.min(16, frame.length - at) + 1)
  switch (random.int(9)) {
    case 0:
      frame[at] = random.int(256)
      return frame
    case 1:
      frame[at]! ^= 1 << random.int(8)
      return frame
    case 2:
      return writeLimit(random, frame, at)
    case 3:
      return Buffer.concat([frame.subarray(0, at), random.bytes(length), frame.subarray(at)])
    case 4:
      return Buffer.concat([frame.subarray(0, at), frame.subarray(at + length)])
    case 5:
      return frame.subarray(0, at)
    case 6:
      return Buffer.concat([frame.subarray(0, at + length), frame.subarray(at)])
    case 7: {
      const from = random.int(other.length)
      return Buffer.concat([frame.subarray(0, at), other.subarray(from)])
    }
    default:
      // The version: the rest is then read as another one.
      if (frame.length > 8) frame.writeInt16BE(random.int(20) - 1, 6)
      return frame
  }
}

function writeLimit(random: Random, frame: Buffer, at: number): Buffer {
  const value = limits[random.int(limits.length)]!
  const bytes = Math.min([1, 2, 4][random.int(3)]!, frame.length - at)
  if (bytes === 4) frame.writeUInt32BE(value >>> 0, at)
  else if (bytes >= 2) frame.writeUInt16BE(value & 0xffff, at)
  else if (bytes === 1) frame[at] = value & 0xff
  return frame
}
