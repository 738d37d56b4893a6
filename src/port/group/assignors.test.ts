/** Shares of partitions, and what a change of members moves. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { bufferOf, type Random } from '../../base/index.ts'
import { forSeeds } from '../../../test/for-seeds.ts'
import type { TopicPartition } from '../log-port.ts'
import { type AssignorName, assignors, decodeShareNote, encodeShareNote, type Share } from './assignors.ts'

interface Member {
  readonly id: string
  readonly instanceId?: string
  /** Sets of topics; each topic is one by itself unless it says otherwise. */
  readonly sets?: readonly (readonly string[])[]
  readonly owned?: readonly TopicPartition[]
  readonly busy?: readonly TopicPartition[]
  readonly generation?: number
}

const t = (...numbers: number[]): TopicPartition[] => numbers.map(partition => ({ topic: 't', partition }))
const inWords = (partitions: readonly TopicPartition[]): string =>
  partitions.map(({ topic, partition }) => `${topic}${partition}`).join(' ')

function share(
  name: AssignorName,
  members: readonly Member[],
  counts: Record<string, number>,
): readonly Share[] {
  const assignor = assignors[name]
  const candidates = members.map(
    ({ id, instanceId, sets = [['t']], owned = [], busy = [], generation = 1 }) => ({
      memberId: id,
      instanceId,
      subscription: {
        topics: sets.flat(),
        owned,
        generation,
        userData: assignor.userData({ sets, generation, busy }),
      },
    }),
  )
  return assignor.assign(candidates, new Map(Object.entries(counts)))
}

const sharesInWords = (shares: readonly Share[]): string[] =>
  shares.map(({ partitions, withheld }) => inWords(partitions) + (withheld > 0 ? ` +${withheld}` : ''))

test('range: neighbouring numbers, by member id, those with an instance id first', () => {
  const [c, a, b] = [{ id: 'c' }, { id: 'a' }, { id: 'b', instanceId: 'i' }]
  deepEqual(sharesInWords(share('range', [c, a, b], { t: 5 })), ['t4', 't2 t3', 't0 t1'])
})

test('range: topics with one count are shared alike', () => {
  const sets = [['t'], ['u']]
  const shares = share(
    'range',
    [
      { id: 'a', sets },
      { id: 'b', sets },
    ],
    { t: 3, u: 3 },
  )
  deepEqual(sharesInWords(shares), ['t0 t1 u0 u1', 't2 u2'])
})

for (const name of ['cooperative-sticky', 'millrace'] as const) {
  test(`${name}: a new member gets nothing before others have given it back`, () => {
    const before: Member[] = [{ id: 'a', owned: t(0, 1, 2, 3) }, { id: 'b' }]
    deepEqual(sharesInWords(share(name, before, { t: 4 })), ['t0 t1', ' +2'])
    const after: Member[] = [{ id: 'a', owned: t(0, 1) }, { id: 'b' }]
    deepEqual(sharesInWords(share(name, after, { t: 4 })), ['t0 t1', 't2 t3'])
  })

  test(`${name}: a member keeps what it works on`, () => {
    const shares = share(name, [{ id: 'a', owned: t(0, 1, 2), busy: t(2) }, { id: 'b' }, { id: 'c' }], {
      t: 3,
    })
    deepEqual(sharesInWords(shares), ['t2', ' +1', ' +1'])
  })

  test(`${name}: the claim of an older generation does not count beside a newer one`, () => {
    const members = [
      { id: 'a', owned: t(0, 1), generation: 3 },
      { id: 'b', owned: t(0), generation: 4 },
    ]
    deepEqual(sharesInWords(share(name, members, { t: 2 })), ['t1', 't0'])
  })

  test(`${name}: a partition that two members claim goes to neither before they have given it back`, () => {
    const members = [
      { id: 'a', owned: t(0) },
      { id: 'b', owned: t(0) },
    ]
    deepEqual(sharesInWords(share(name, members, { t: 2 })).toSorted(), [' +1', 't1'])
  })

  test(`${name}: even shares, every partition once, and few moves, as members come and go`, () =>
    forSeeds(200, random => comeAndGo(name, random)))
}

/** By what a client adds to a subscription under `cooperative-sticky`. */
const foreignNotes: Readonly<Record<string, string | undefined>> = {
  nothing: undefined,
  'no bytes': '',
  "the generation, as Java's": '00000007',
  "no partitions and a generation, as librdkafka's": '0000000000000007',
  "the owned partitions and a generation, as librdkafka's": '0000000100017400000002000000000000000100000007',
}

for (const [name, hex] of Object.entries(foreignNotes))
  test(`cooperative-sticky: shares with a member that says ${name}`, () => {
    const userData = hex === undefined ? undefined : Buffer.from(hex, 'hex')
    const subscription = { topics: ['t'], owned: t(0, 1), generation: 7, userData }
    const ours = { topics: ['t'], owned: [], generation: -1, userData: undefined }
    const candidates = [subscription, ours].map((each, index) => ({
      memberId: `${index}`,
      instanceId: undefined,
      subscription: each,
    }))
    const shares = assignors['cooperative-sticky'].assign(candidates, new Map([['t', 2]]))
    deepEqual(sharesInWords(shares), ['t0', ' +1'])
  })

test('the note of a leader of another kind says nothing', () => {
  // librdkafka's leaders return what the member said in its subscription.
  const said = [
    ...[-1, 1, 11, 0x1_0000].map(generation => ({ sets: [['t']], generation, busy: [] })),
    { sets: [['t']], generation: 1, busy: t(0, 1) },
  ].map(note => assignors['cooperative-sticky'].userData(note)!)
  const damaged = ['', '00', '6d6c7201', '6d6c720100000003'].map(hex => Buffer.from(hex, 'hex'))
  for (const bytes of [...said, ...damaged]) deepEqual(decodeShareNote(bytes), { withheld: 0 })
})

test('cooperative-sticky: members with different topics get what they can', () => {
  const members = [
    { id: 'a', sets: [['t'], ['u']] },
    { id: 'b', sets: [['t']] },
  ]
  deepEqual(sharesInWords(share('cooperative-sticky', members, { t: 2, u: 2 })), ['u0 u1', 't1 t0'])
})

test('millrace: the partitions with one number stay together', () => {
  const sets = [['t', 'u'], ['v']]
  const shares = share(
    'millrace',
    [
      { id: 'a', sets },
      { id: 'b', sets },
    ],
    { t: 2, u: 2, v: 1 },
  )
  deepEqual(sharesInWords(shares), ['t0 u0 v0', 't1 u1'])
})

test('millrace: a member whose note cannot be read gets nothing, and the others all', () => {
  const userData = assignors.millrace.userData({ sets: [['t']], generation: -1, busy: [] })
  for (const hex of ['', '00', '0000', '00000000000200', '00007fffffff']) {
    const notes = [Buffer.from(hex, 'hex'), userData]
    const candidates = notes.map((note, index) => ({
      memberId: `${index}`,
      instanceId: undefined,
      subscription: { topics: ['t'], owned: [], generation: -1, userData: note },
    }))
    deepEqual(sharesInWords(assignors.millrace.assign(candidates, new Map([['t', 2]]))), ['', 't0 t1'])
  }
})

test('millrace: a member that shares a topic in another set is refused, and not those that work', () => {
  const wrong = { id: 'a', sets: [['t'], ['u']] }
  const right = { id: 'b', sets: [['t', 'u']], owned: t(0) }
  const [refused, works] = share('millrace', [wrong, right], { t: 1, u: 1 })
  ok(refused?.refusal?.includes("topic 't' with {t,u}"))
  equal(inWords(works!.partitions), 't0 u0')
})

test('a topic that was deleted is not shared', () => {
  for (const name of ['range', 'cooperative-sticky', 'millrace'] as const)
    deepEqual(sharesInWords(share(name, [{ id: 'a', owned: t(0) }], {})), [''])
})

test('what a leader says beside an assignment; a Java leader says nothing', () => {
  deepEqual(decodeShareNote(encodeShareNote({ withheld: 3, refusal: 'no' })), { withheld: 3, refusal: 'no' })
  deepEqual(decodeShareNote(encodeShareNote({ withheld: 3 })), { withheld: 3, refusal: undefined })
  deepEqual(decodeShareNote(undefined), { withheld: 0 })
  deepEqual(decodeShareNote(Buffer.of(1)), { withheld: 0 })
})

test('what members tell each other has the same bytes as in versions before', () => {
  const busy = [{ topic: 'a', partition: 2 }, ...t(1, 0)]
  const note = { sets: [['a', 'bc'], ['t']], generation: 5, busy }
  const hex = (bytes: Uint8Array | undefined): string => bufferOf(bytes!).toString('hex')
  const sets = ['00000002', '00000002', '000161', '00026263', '00000001', '000174']
  const partitions = [
    '00000002',
    '000161',
    '00000001',
    '00000002',
    '000174',
    '00000002',
    '00000001',
    '00000000',
  ]
  equal(hex(assignors.millrace.userData(note)), ['0000', ...sets, ...partitions].join(''))
  equal(hex(assignors['cooperative-sticky'].userData(note)), ['00000005', ...partitions].join(''))
  equal(hex(encodeShareNote({ withheld: 3, refusal: 'no' })), '6d6c72010000000300026e6f')
  equal(hex(encodeShareNote({ withheld: 3 })), '6d6c720100000003ffff')
})

/** Members come and go; what each one has follows its share, as members do. */
function comeAndGo(name: AssignorName, random: Random): void {
  const partitions = 1 + random.int(12)
  let members: { readonly id: string; owned: readonly TopicPartition[] }[] = []
  for (let round = 0; round < 20; round += 1) {
    const comes = members.length === 0 || random.int(3) > 0
    if (comes) members.push({ id: `m${round}`, owned: [] })
    else members = members.toSpliced(random.int(members.length), 1)
    if (members.length === 0) continue
    const kept = new Map(members.map(({ id, owned }) => [id, owned.length]))
    let shares = share(name, members, { t: partitions })
    // The members give back what is not theirs any more, and join again.
    for (let again = 0; again < 2; again += 1) {
      const given = shares.flatMap(each => each.partitions.map(({ partition }) => partition))
      equal(new Set(given).size, given.length, 'a partition has two owners')
      for (const [index, member] of members.entries()) member.owned = shares[index]!.partitions
      shares = share(name, members, { t: partitions })
    }
    const sizes = shares.map(each => each.partitions.length)
    equal(
      sizes.reduce((sum, size) => sum + size, 0),
      partitions,
    )
    ok(Math.max(...sizes) - Math.min(...sizes) <= 1, sizes.join())
    const most = Math.ceil(partitions / members.length)
    for (const [index, { id }] of members.entries()) {
      const before = Math.min(kept.get(id)!, Math.floor(partitions / members.length))
      ok(shares[index]!.partitions.length >= before && shares[index]!.partitions.length <= most)
    }
  }
}
