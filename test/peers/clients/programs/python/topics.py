"""Topics and configs, as an administrator handles them."""

from cases import *

# Topics.
def create(*topics, **options):
    return each(admin.create_topics(list(topics), **options))


@case("topics", "create, list, delete")
def _():
    made = create(NewTopic(f"{me}-made", 3, 1))
    settle()
    found = admin.list_topics(f"{me}-made").topics[f"{me}-made"]
    result = {"made": made, "partitions": sorted(found.partitions), "replicas": [list(found.partitions[p].replicas) for p in found.partitions]}
    result["deleted"] = each(admin.delete_topics([f"{me}-made"]))
    settle()
    result["after"] = f"{me}-made" in admin.list_topics().topics
    return result


@case("topics", "create one that exists")
def _():
    return list(create(NewTopic(new_topic(), 1, 1)).values())


for name in ["", ".", "..", "a b", "a/b", "ü", f"{me}-{'x' * (248 - len(me))}", "x" * 250]:

    @case("topics", f"create with the name '{name if len(name) < 20 else f'{len(name)} letters'}'")
    def _():
        return list(create(NewTopic(name, 1, 1)).values())


@case("topics", "create with a name that collides (a.b and a_b)")
def _():
    return create(NewTopic(f"{me}.col.lide", 1, 1)), create(NewTopic(f"{me}_col.lide", 1, 1))


@case("topics", "create with 0 and with -1 partitions")
def _():
    made = [create(NewTopic(f"{me}-partitions{n}", n, 1)) for n in (0, -1)]
    settle()
    return [made, len(admin.list_topics(f"{me}-partitions-1").topics[f"{me}-partitions-1"].partitions)]


@case("topics", "create with replication factors 0, -1 and 3")
def _():
    return [create(NewTopic(f"{me}-factor{n}", 1, n)) for n in (0, -1, 3)]


@case("topics", "create by assignment")
def _():
    return [create(NewTopic(f"{me}-assigned-{brokers[0][0]}", replica_assignment=brokers)) for brokers in ([[0], [0]], [[9]])]


@case("topics", "create, only validated")
def _():
    made = create(NewTopic(f"{me}-validated", 2, 1), validate_only=True)
    refused = create(NewTopic(f"{me}-validated", 0, 1), validate_only=True)
    return [made, refused, f"{me}-validated" in admin.list_topics().topics]


@case("topics", "create twice in one call")
def _():
    return create(NewTopic(f"{me}-twice", 1, 1), NewTopic(f"{me}-twice", 1, 1))


@case("topics", "create with wrong configs")
def _():
    configs = [{"no.such.config": "1"}, {"retention.ms": "soon"}, {"cleanup.policy": "burn"}, {"segment.bytes": "-5"}]
    return [create(NewTopic(f"{me}-configs", 1, 1, config=config)) for config in configs]


@case("topics", "delete one that does not exist")
def _():
    return each(admin.delete_topics([f"{me}-unknown", new_topic()]))


@case("topics", "delete and make again: empty")
def _():
    topic = new_topic()
    produce(topic, numbered(3))
    each(admin.delete_topics([topic]))
    settle()
    again = create(NewTopic(topic, 1, 1))
    settle()
    return [again, read(topic)]


@case("topics", "more partitions")
def _():
    topic = new_topic(2)
    grown = [each(admin.create_partitions([NewPartitions(topic, count)])) for count in (4, 4, 3)]
    settle()
    produce(topic, numbered(2), partition=3)
    return [grown, len(admin.list_topics(topic).topics[topic].partitions), read(topic, partitions=range(4), show=value_of)]


@case("topics", "more partitions of one that does not exist, and only validated")
def _():
    topic = new_topic()
    unknown = each(admin.create_partitions([NewPartitions(f"{me}-unknown", 4)]))
    validated = each(admin.create_partitions([NewPartitions(topic, 4)], validate_only=True))
    return [unknown, validated, len(admin.list_topics(topic).topics[topic].partitions)]


@case("topics", "describe")
def _():
    topic = new_topic(2)
    futures = admin.describe_topics(TopicCollection([topic, f"{me}-unknown"]))
    found = futures[topic].result(seconds_max)
    return [
        [found.name, found.is_internal, [[p.id, p.leader.id, [n.id for n in p.replicas], [n.id for n in p.isr]] for p in found.partitions]],
        outcome(lambda: futures[f"{me}-unknown"].result(seconds_max)),
    ]


@case("topics", "metadata of a topic that the broker makes")
def _():
    error = admin.list_topics(f"{me}-made-by-asking").topics[f"{me}-made-by-asking"].error
    return error and error.name()


@case("topics", "metadata of one topic and of all")
def _():
    topic = new_topic(3)
    one = admin.list_topics(topic)
    every = admin.list_topics()
    partition = one.topics[topic].partitions[0]
    return [
        list(one.topics), partition.leader, partition.replicas, partition.isrs, one.topics[topic].error,
        len(one.brokers), one.controller_id, topic in every.topics,
    ]


@case("topics", "delete records")
def _():
    topic = new_topic()
    produce(topic, numbered(10))
    result = []
    for offset in (4, 4, 2, 99, OFFSET_END):
        future = list(admin.delete_records([TopicPartition(topic, 0, offset)]).values())[0]
        result.append(outcome(lambda: future.result(seconds_max).low_watermark))
        result.append(read(topic, show=value_of))
    unknown = list(admin.delete_records([TopicPartition(topic, 5, 1)]).values())[0]
    return [result, outcome(lambda: unknown.result(3))]


@case("topics", "describe the cluster")
def _():
    found = admin.describe_cluster(include_authorized_operations=False).result(seconds_max)
    return [found.controller.id, [node.id for node in found.nodes], bool(found.cluster_id)]


# Configs.
def config_of(topic, *names):
    entries = list(admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values())[0].result(seconds_max)
    shown = {name: entries[name] for name in (names or sorted(entries))}
    return {name: [e.value, e.is_read_only, e.is_default, e.is_sensitive, e.source] for name, e in shown.items()}


@case("configs", "describe a topic: names, values and sources")
def _():
    return config_of(new_topic(retention_ms=12345, cleanup_policy="compact,delete"))


@case("configs", "describe a topic that does not exist")
def _():
    return config_of(f"{me}-unknown")


@case("configs", "describe the broker: the names of topics' defaults")
def _():
    entries = list(admin.describe_configs([ConfigResource(ResourceType.BROKER, "0")]).values())[0].result(seconds_max)
    names = ["num.partitions", "auto.create.topics.enable", "log.segment.bytes", "message.max.bytes", "log.cleanup.policy", "delete.topic.enable"]
    return {name: name in entries and [entries[name].value, entries[name].is_read_only] for name in names}


@case("configs", "describe a broker that does not exist")
def _():
    return outcome(lambda: list(admin.describe_configs([ConfigResource(ResourceType.BROKER, "77")]).values())[0].result(3) and "value")


def change(topic, name, value, kind):
    resource = ConfigResource(
        ResourceType.TOPIC, topic, incremental_configs=[ConfigEntry(name, value, incremental_operation=kind)]
    )
    done = list(each(admin.incremental_alter_configs([resource])).values())[0]
    settle()
    return done


@case("configs", "set, append, subtract, delete")
def _():
    topic = new_topic()
    kinds = AlterConfigOpType
    steps = [
        ("retention.ms", "5000", kinds.SET),
        ("cleanup.policy", "compact", kinds.APPEND),
        ("cleanup.policy", "delete", kinds.SUBTRACT),
        ("retention.ms", None, kinds.DELETE),
        ("retention.ms", "6000", kinds.APPEND),
        ("retention.ms", "soon", kinds.SET),
        ("no.such.config", "1", kinds.SET),
    ]
    return [[change(topic, *step), config_of(topic, "retention.ms", "cleanup.policy")] for step in steps]


@case("configs", "of a topic that does not exist")
def _():
    return change(f"{me}-unknown", "retention.ms", "1", AlterConfigOpType.SET)


@case("configs", "replace all (AlterConfigs)")
def _():
    topic = new_topic(retention_ms=1, segment_bytes=2_000_000)
    futures = admin.alter_configs([ConfigResource(ResourceType.TOPIC, topic, set_config={"retention.ms": "7"})])
    done = list(each(futures).values())
    settle()
    return [done, config_of(topic, "retention.ms", "segment.bytes")]
