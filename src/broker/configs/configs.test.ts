/** Which value of a config holds, what a change makes of the others, and which values are refused. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isMillraceError, type ErrorCode } from '../../base/index.ts'
import { settingsDefault } from '../../log/index.ts'
import type { BrokerConfigs, ConfigChange } from '../../port/index.ts'
import { brokerOnlyConfigs, checkBrokerConfig, checkTopicConfig, staticConfigs } from './broker-configs.ts'
import { changedConfigs } from './changes.ts'
import type { ConfigTexts } from './values.ts'
import { Configs } from './configs.ts'
import { topicConfig, topicConfigNames, topicConfigs } from './topic-configs.ts'

test('a log that nobody configures has the settings of a partition that nobody configures', () => {
  deepEqual(new Configs(staticConfigs(), {}).settingsOf(), settingsDefault)
})

test('a broker that clients share has the defaults of Kafka', () => {
  const { retentionMs, maxMessageBytes, messageTimestampAfterMaxMs } = new Configs(
    staticConfigs({ 'log.retention.hours': 1 }, 'kafka'),
    {},
  ).settingsOf()
  deepEqual([retentionMs, maxMessageBytes, messageTimestampAfterMaxMs], [3_600_000, 1_048_588, 3_600_000])
  equal(new Configs(staticConfigs({}, 'kafka'), {}).settingsOf().retentionMs, 7 * 24 * 3_600_000)
})

test('of several values the nearest holds, and of several names the first', () => {
  const check = (given: BrokerConfigs, altered: ConfigTexts, own: ConfigTexts, expected: unknown): void => {
    const [description] = new Configs(staticConfigs(given), altered)
      .describeTopic(own)
      .filter(({ name }) => name === 'retention.ms')
    const { value, source, synonyms } = description!
    deepEqual([value, source, synonyms.map(({ name }) => name)], expected)
  }
  const last = 'log.retention.hours'
  check({}, {}, {}, ['-1', 'static', ['log.retention.ms', last]])
  check({ [last]: 1 }, {}, {}, ['3600000', 'static', [last, last]])
  check({ [last]: -1 }, {}, {}, ['-1', 'static', [last, last]])
  check({ [last]: 1, 'log.retention.minutes': 1 }, {}, {}, [
    '60000',
    'static',
    ['log.retention.minutes', last, last],
  ])
  check({ [last]: 1 }, { 'log.retention.ms': '5' }, {}, ['5', 'broker', ['log.retention.ms', last, last]])
  check({ [last]: 1 }, { 'log.retention.ms': '5' }, { 'retention.ms': '7' }, [
    '7',
    'topic',
    ['retention.ms', 'log.retention.ms', last, last],
  ])
})

test('the defaults of Kafka are values that their configs take', () => {
  equal(topicConfigNames.length, 33)
  for (const name of topicConfigNames) {
    const { broker, default: text } = topicConfigs[name]
    checkTopicConfig(name, text)
    for (const { name: synonym, unitMs = 1 } of broker)
      checkBrokerConfig(synonym, unitMs === 1 ? text : `${Number(text) / unitMs}`)
  }
})

function refuses(name: string, text: string, about: RegExp): void {
  try {
    checkTopicConfig(name, text)
  } catch (error) {
    if (isMillraceError(error, 'INVALID_CONFIG') && about.test(error.message)) return
    throw error
  }
  throw new Error(`${name} takes ${text}`)
}

test('values that a config does not take are refused, with what it takes', () => {
  refuses('retention.mss', '1', /did you mean 'retention.ms'/)
  refuses('toString', '1', /unknown/)
  refuses('retention.ms', '-2', /at least -1/)
  refuses('retention.ms', '1e3', /whole number/)
  refuses('retention.ms', '9223372036854775808', /whole number/)
  checkTopicConfig('retention.ms', '9223372036854775807')
  refuses('retention.ms', '9223372036854775808', /from -1 to 9223372036854775807/)
  refuses('segment.bytes', '2147483648', /from 14 to 2147483647/)
  refuses('segment.bytes', '13', /at least 14/)
  refuses('cleanup.policy', 'delete,compac', /list of compact, delete/)
  refuses('cleanup.policy', 'delete,delete', /repeated/)
  refuses('cleanup.policy', 'compact,,delete', /without empty items/)
  checkTopicConfig('cleanup.policy', '')
  refuses('min.cleanable.dirty.ratio', '1.1', /from 0 to 1/)
  refuses('min.cleanable.dirty.ratio', 'half', /from 0 to 1/)
  refuses('message.timestamp.type', 'createtime', /CreateTime, LogAppendTime/)
  refuses('min.insync.replicas', '2', /only its default '1'/)
  refuses('preallocate', 'TRUE', /only its default 'false'/)
  checkTopicConfig('preallocate', 'False')
})

test('changes set, delete, append and subtract; a wrong one changes nothing', () => {
  const check = (
    own: ConfigTexts,
    changes: readonly ConfigChange[],
    expected: ConfigTexts | ErrorCode,
  ): void => {
    const change = (): ConfigTexts =>
      changedConfigs(
        {
          own,
          kindOf: name => topicConfig(name)?.kind,
          inherited: () => 'delete',
          check: checkTopicConfig,
        },
        changes,
      )
    let found: unknown
    try {
      found = change()
    } catch (error) {
      found = isMillraceError(error) ? error.code : error
    }
    deepEqual(found, expected)
  }
  const policy = (op: 'set' | 'append' | 'subtract', value: string): ConfigChange => ({
    name: 'cleanup.policy',
    op,
    value,
  })
  check({}, [{ name: 'segment.bytes', op: 'set', value: 100 }], { 'segment.bytes': '100' })
  check({ 'segment.bytes': '7' }, [{ name: 'segment.bytes', op: 'delete' }], {})
  check({}, [{ name: 'cleanup.policy', op: 'delete' }], {})
  check({ gone: '1' }, [{ name: 'gone', op: 'delete' }], {})
  check({}, [policy('append', 'compact')], { 'cleanup.policy': 'delete,compact' })
  check({}, [policy('append', 'delete')], { 'cleanup.policy': 'delete' })
  check({ 'cleanup.policy': 'compact,delete' }, [policy('subtract', 'delete')], {
    'cleanup.policy': 'compact',
  })
  check({}, [policy('subtract', 'delete')], { 'cleanup.policy': '' })
  check({ 'cleanup.policy': 'compact,,delete' }, [policy('append', 'delete')], {
    'cleanup.policy': 'compact,delete',
  })
  check({}, [policy('append', 'compact,')], 'INVALID_CONFIG')
  check({}, [{ name: 'retention.ms', op: 'append', value: 1 }], 'INVALID_CONFIG')
  check({}, [policy('set', 'compact'), policy('append', 'delete')], 'INVALID_ARGUMENT')
  check({}, [policy('set', 'compact'), { name: 'unheard', op: 'set', value: 1 }], 'INVALID_CONFIG')
})

test('limits of the broker that nothing can meet are refused by the name that was given', () => {
  const check = (given: BrokerConfigs, about: RegExp): void =>
    throws(() => staticConfigs(given), { code: 'INVALID_CONFIG', message: about })
  const [min, max] = ['group.min.session.timeout.ms', 'group.max.session.timeout.ms']
  check({ [max]: 10 }, /'group.max.session.timeout.ms' must be at least group.min.* 6000/)
  check({ [min]: 10, [max]: 9 }, /'group.max.session.timeout.ms' must be at least group.min.* 10/)
  check({ [min]: 2_000_000 }, /'group.min.session.timeout.ms' must be at most group.max.* 1800000/)
  staticConfigs({ [min]: 10, [max]: 10 })
})

test('docs/topics.md lists every config, with its default and its names for brokers', () => {
  const page = readFileSync(new URL('../../../docs/topics.md', import.meta.url), 'utf8')
  const rows = page.split('\n').map(line => line.split('|').map(cell => cell.trim()))
  for (const name of topicConfigNames) {
    const { broker, default: text, does, unused } = topicConfigs[name]
    const row = rows.find(([, config]) => config === `\`${name}\``)
    deepEqual(row?.slice(2, 5), [
      broker.map(each => `\`${each.name}\``).join(', '),
      text === '' ? 'empty' : text,
      unused === undefined ? does : `${does} No effect: ${unused}.`,
    ])
  }
})

test("docs/broker.md lists every config of the broker's own, with its default", () => {
  const page = readFileSync(new URL('../../../docs/broker.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z.]+)` +\| (\S+) +\| (.+?) +\|$/gm)]
  const expected = Object.entries(brokerOnlyConfigs)
    .map(([name, { default: text, does }]) => [name, text, does])
    .toSorted(([a], [b]) => (a! < b! ? -1 : 1))
  deepEqual(
    rows.map(row => row.slice(1)).filter(([name]) => Object.hasOwn(brokerOnlyConfigs, name!)),
    expected,
  )
})
