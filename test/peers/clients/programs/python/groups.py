"""Consumer groups: members, commits, and what an administrator sees of them."""

from cases import *

@case("groups", "a member reads, commits, leaves; the next continues")
def _():
    topic = new_topic()
    produce(topic, numbered(10))
    [first] = members(f"{me}-continue", [topic], 1)
    values = take(first, 4)
    done = first.commit(offsets=[TopicPartition(topic, 0, 4, metadata="so far")], asynchronous=False)
    first.close()
    [second] = members(f"{me}-continue", [topic], 1)
    values += take(second, 6)
    second.close()
    return [values, [p.offset for p in done], committed(f"{me}-continue", topic)]


@case("groups", "commits by themselves (enable.auto.commit)")
def _():
    topic = new_topic()
    produce(topic, numbered(5))
    [member] = members(f"{me}-auto", [topic], 1, enable_auto_commit=True, auto_commit_interval_ms=100)
    take(member, 5)
    member.close()
    return committed(f"{me}-auto", topic)


for strategy in ["range", "roundrobin", "cooperative-sticky"]:

    @case("groups", f"two, three and two members, {strategy}")
    def _():
        topic = new_topic(6)
        partitions = [(topic, n) for n in range(6)]
        group, config = f"{me}-{strategy}", {"partition_assignment_strategy": strategy}
        found = members(group, [topic], 2, **config)
        poll_until(found, is_shared(found, partitions))
        # Sticky ones depend on who came when.
        result = [assignments(found) if strategy != "cooperative-sticky" else [len(each) for each in assignments(found)]]
        found += members(group, [topic], 1, **config)
        poll_until(found, is_shared(found, partitions))
        result.append([len(each) for each in assignments(found)])
        found.pop(0).close()
        poll_until(found, is_shared(found, partitions))
        result.append([len(each) for each in assignments(found)])
        close(found)
        return result


@case("groups", "more members than partitions")
def _():
    topic = new_topic(1)
    found = members(f"{me}-idle", [topic], 2)
    poll_until(found, is_shared(found, [(topic, 0)]))
    result = assignments(found)
    close(found)
    return result


@case("groups", "a subscription of two topics, and one by pattern")
def _():
    topics = [new_topic(2), new_topic(3)]
    every = [(topics[0], 0), (topics[0], 1)] + [(topics[1], n) for n in range(3)]
    result = []
    for subscription in (topics, [f"^({topics[0]}|{topics[1]})$"]):
        found = members(f"{me}-topics-{len(subscription)}", subscription, 2)
        poll_until(found, is_shared(found, every))
        result.append(assignments(found))
        close(found)
    return result


@case("groups", "a rebalance continues from what was committed: nothing lost, nothing twice")
def _():
    topic = new_topic(2)
    for partition in (0, 1):
        produce(topic, numbered(50, 100 * partition), partition=partition)
    first = consumer(f"{me}-handover", partition_assignment_strategy="cooperative-sticky")

    def revoked(reader, partitions):
        held = [p for p in reader.position(partitions) if p.offset >= 0]
        if held:
            reader.commit(offsets=held, asynchronous=False)

    first.subscribe([topic], on_revoke=revoked)
    values = poll_until([first], lambda values: len(values) >= 10)
    second = consumer(f"{me}-handover", partition_assignment_strategy="cooperative-sticky")
    second.subscribe([topic])
    values += poll_until([first, second], lambda more: len(values) + len(more) >= 100)
    close([first, second])
    return sorted(values) == sorted(f"value {n}" for n in [*range(50), *range(100, 150)])


@case("groups", "static members: one that comes back keeps its partitions, without a rebalance")
def _():
    topic = new_topic(4)
    partitions = [(topic, n) for n in range(4)]
    found = [consumer(f"{me}-static", group_instance_id=f"instance-{n}") for n in range(2)]
    for each in found:
        each.subscribe([topic])
    poll_until(found, is_shared(found, partitions))
    before = [sorted(p.partition for p in each.assignment()) for each in found]
    found[1].close()
    found[1] = consumer(f"{me}-static", group_instance_id="instance-1")
    found[1].subscribe([topic])
    poll_until(found, is_shared(found, partitions))
    after = [sorted(p.partition for p in each.assignment()) for each in found]
    close(found)
    described = admin.describe_consumer_groups([f"{me}-static"])[f"{me}-static"].result(seconds_max)
    return [before, after, described.state.name, sorted([m.group_instance_id, len(m.assignment.topic_partitions)] for m in described.members)]


@case("groups", "static members: the second of an instance id fences the first")
def _():
    topic = new_topic(1)
    errors = []
    first = consumer(f"{me}-fenced", group_instance_id="only", error_cb=lambda error: errors.append(error.name()))
    first.subscribe([topic])
    poll_until([first], is_shared([first], [(topic, 0)]))
    second = consumer(f"{me}-fenced", group_instance_id="only")
    second.subscribe([topic])
    poll_until([second], is_shared([second], [(topic, 0)]))
    refused = outcome(lambda: take(first, 1, 2) and None)
    commit = outcome(lambda: first.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False) and "committed")
    close([first, second])
    return [refused, commit, sorted(set(errors) - {"_TRANSPORT"})]


@case("groups", "members without a common strategy")
def _():
    topic = new_topic()
    errors = []
    [first] = members(f"{me}-apart", [topic], 1, partition_assignment_strategy="range")
    poll_until([first], is_shared([first], [(topic, 0)]))
    second = consumer(f"{me}-apart", partition_assignment_strategy="cooperative-sticky", error_cb=lambda error: errors.append(error.name()))
    second.subscribe([topic])
    try:
        poll_until([first, second], lambda _: errors)
    except KafkaException as error:
        errors.append(error.args[0].name())
    close([first, second])
    return errors[:1]


@case("groups", "a session shorter and one longer than the broker admits")
def _():
    topic, result = new_topic(), []
    for session in (500, 3_000_000):
        errors = []
        each = consumer(f"{me}-session", session_timeout_ms=session, max_poll_interval_ms=3_000_000, error_cb=lambda error: errors.append(error.name()))
        each.subscribe([topic])
        try:
            poll_until([each], lambda _: errors)
        except KafkaException as error:
            errors.append(error.args[0].name())
        each.close()
        result.append(errors[:1])
    return result


@case("groups", "a member that stops is expired, and its partitions go to the other")
def _():
    topic = new_topic(2)
    partitions = [(topic, 0), (topic, 1)]
    config = {"session_timeout_ms": 1500, "max_poll_interval_ms": 1500}
    found = members(f"{me}-expired", [topic], 2, **config)
    poll_until(found, is_shared(found, partitions))
    poll_until(found[:1], is_shared(found[:1], partitions))
    result = assignments(found[:1])
    close(found)
    return result


@case("groups", "commits of no member: an unknown group, unknown topics, negative offsets")
def _():
    topic = new_topic(2)
    settle()

    def commit(group, *offsets):
        reader = consumer(group)
        done = outcome(lambda: [[p.offset, p.error and p.error.name()] for p in reader.commit(offsets=[*offsets], asynchronous=False)])
        reader.close()
        return done

    return [
        commit(f"{me}-alone", TopicPartition(topic, 0, 5), TopicPartition(topic, 1, 6, "x" * 10)),
        commit(f"{me}-alone", TopicPartition(f"{me}-unknown", 0, 5)),
        commit(f"{me}-alone", TopicPartition(topic, 9, 5)),
        commit(f"{me}-alone", TopicPartition(topic, 0, 5, "x" * 5000)),
        committed(f"{me}-alone", topic, (0, 1, 9)),
        committed(f"{me}-never-seen", topic),
    ]


@case("groups", "commits of no member while the group has members")
def _():
    topic = new_topic()
    found = members(f"{me}-busy", [topic], 1)
    poll_until(found, is_shared(found, [(topic, 0)]))
    other = consumer(f"{me}-busy")
    result = outcome(lambda: other.commit(offsets=[TopicPartition(topic, 0, 1)], asynchronous=False) and "committed")
    close([*found, other])
    return result


@case("groups", "partitions that are added are shared out")
def _():
    topic = new_topic(1)
    found = members(f"{me}-growth", [topic], 2, topic_metadata_refresh_interval_ms=300)
    poll_until(found, is_shared(found, [(topic, 0)]))
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(seconds_max)
    poll_until(found, is_shared(found, [(topic, n) for n in range(3)]))
    result = assignments(found)
    close(found)
    return [len(each) for each in result]


# Groups, seen by an administrator.
def described(group):
    found = admin.describe_consumer_groups([group])[group].result(seconds_max)
    return [found.state.name, found.partition_assignor, found.is_simple_consumer_group, len(found.members), found.coordinator.id]


@case("group admin", "describe: stable, empty, dead")
def _():
    topic = new_topic(2)
    found = members(f"{me}-described", [topic], 2)
    poll_until(found, is_shared(found, [(topic, 0), (topic, 1)]))
    group = admin.describe_consumer_groups([f"{me}-described"])[f"{me}-described"].result(seconds_max)
    result = [described(f"{me}-described"), sorted([m.host, m.client_id, len(m.assignment.topic_partitions)] for m in group.members)]
    close(found)
    return [result, described(f"{me}-described"), outcome(lambda: described(f"{me}-no-such-group"))]


@case("group admin", "list, also by state")
def _():
    topic = new_topic()
    found = members(f"{me}-listed", [topic], 1)
    poll_until(found, is_shared(found, [(topic, 0)]))

    def listed(**options):
        groups = admin.list_consumer_groups(**options).result(seconds_max)
        return sorted([g.group_id, g.state.name, g.is_simple_consumer_group] for g in groups.valid if g.group_id == f"{me}-listed")

    result = [listed(), listed(states={ConsumerGroupState.STABLE}), listed(states={ConsumerGroupState.EMPTY})]
    close(found)
    return [result, listed(states={ConsumerGroupState.EMPTY})]


@case("group admin", "offsets: list and alter, idle and in use")
def _():
    topic = new_topic(2)
    settle()
    group = f"{me}-altered"

    def alter(*offsets):
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p, o) for p, o in offsets])
        return outcome(
            lambda: [
                [p.partition, p.offset, p.error and p.error.name()]
                for p in admin.alter_consumer_group_offsets([asked])[group].result(seconds_max).topic_partitions
            ]
        )

    def listed(*partitions):
        asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in partitions] or None)
        found = admin.list_consumer_group_offsets([asked])[group].result(seconds_max)
        return sorted([p.partition, p.offset] for p in found.topic_partitions if p.topic == topic)

    result = [alter((0, 7), (1, 8)), listed(), listed(1), alter((5, 1))]
    found = members(group, [topic], 1)
    poll_until(found, is_shared(found, [(topic, 0), (topic, 1)]))
    result.append(alter((0, 1)))
    close(found)
    return [result, alter((0, 2)), listed()]


@case("group admin", "delete: in use, idle, unknown")
def _():
    topic = new_topic()
    group = f"{me}-deleted"
    found = members(group, [topic], 1)
    poll_until(found, is_shared(found, [(topic, 0)]))
    busy = each(admin.delete_consumer_groups([group]))
    found[0].commit(offsets=[TopicPartition(topic, 0, 3)], asynchronous=False)
    close(found)
    return [busy, each(admin.delete_consumer_groups([group])), each(admin.delete_consumer_groups([group])), committed(group, topic)]
