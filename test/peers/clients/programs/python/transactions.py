"""Transactions of producers and what readers see of them."""

from cases import *

# Transactions.
def transactional(name, **config):
    producer = Producer({**quiet, "transactional.id": f"{me}-{name}", "linger.ms": linger_ms, **config})
    producer.init_transactions(seconds_max)
    return producer


def seen(topic, **options):
    """The values that readers of both isolation levels get."""
    return [read(topic, show=lambda m: [m.offset(), value_of(m)], isolation_level=level, **options) for level in ("read_committed", "read_uncommitted")]


@case("transactions", "commit, abort, commit")
def _():
    topic = new_topic()
    producer = transactional("basic")
    for n, ends in enumerate(["commit", "abort", "commit"]):
        producer.begin_transaction()
        send(producer, topic, numbered(3, 10 * n))
        (producer.commit_transaction if ends == "commit" else producer.abort_transaction)(seconds_max)
    return seen(topic)


@case("transactions", "over three partitions and two topics")
def _():
    topics = [new_topic(3), new_topic()]
    producer = transactional("wide")
    for n, ends in enumerate([producer.commit_transaction, producer.abort_transaction]):
        producer.begin_transaction()
        for partition in range(3):
            send(producer, topics[0], numbered(2, 10 * n + 100 * partition), partition)
        send(producer, topics[1], numbered(2, 10 * n))
        ends(seconds_max)
    return [sorted(map(str, part)) for part in seen(topics[0], partitions=range(3)) + seen(topics[1])]


@case("transactions", "an open one holds readers of what is committed back")
def _():
    topic = new_topic()
    open_one = transactional("open")
    produce(topic, numbered(2))
    open_one.begin_transaction()
    send(open_one, topic, numbered(2, 10))
    produce(topic, numbered(2, 20))
    during = seen(topic)
    ends = [
        list(admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.latest()}, isolation_level=level).values())[0].result(seconds_max).offset
        for level in (IsolationLevel.READ_COMMITTED, IsolationLevel.READ_UNCOMMITTED)
    ]
    open_one.commit_transaction(seconds_max)
    return [during, ends, seen(topic)]


@case("transactions", "a second producer of the id fences the first, and aborts what it left open")
def _():
    topic = new_topic()
    first = transactional("fenced")
    first.begin_transaction()
    send(first, topic, numbered(2))
    second = transactional("fenced")
    refused = [outcome(lambda: first.commit_transaction(seconds_max))]
    second.begin_transaction()
    send(second, topic, numbered(2, 10))
    second.commit_transaction(seconds_max)
    return [refused, seen(topic)]


@case("transactions", "a fenced producer's sends are refused")
def _():
    topic = new_topic()
    first = transactional("fenced-send")
    transactional("fenced-send")
    first.begin_transaction()
    sent = outcome(lambda: send(first, topic, numbered(1)))
    return [sent, outcome(lambda: first.commit_transaction(seconds_max)), read(topic)]


@case("transactions", "offsets in transactions: committed, aborted")
def _():
    topic, to = new_topic(2), new_topic()
    group = f"{me}-transactional"
    found = members(group, [topic], 1)
    poll_until(found, is_shared(found, [(topic, 0), (topic, 1)]))
    producer = transactional("offsets")
    result = []
    for offset, ends in ((3, producer.commit_transaction), (5, producer.abort_transaction)):
        producer.begin_transaction()
        send(producer, to, numbered(1, offset))
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, offset)], found[0].consumer_group_metadata(), seconds_max)
        ends(seconds_max)
        result.append(committed(group, topic, (0, 1)))
    close(found)
    return [result, seen(to)]


@case("transactions", "offsets of a member that has left")
def _():
    topic = new_topic()
    found = members(f"{me}-left", [topic], 1)
    poll_until(found, is_shared(found, [(topic, 0)]))
    metadata = found[0].consumer_group_metadata()
    other = members(f"{me}-left", [topic], 1)
    poll_until(found + other, lambda _: len(other[0].assignment()) + len(found[0].assignment()) == 1)
    close(found)
    producer = transactional("left")
    producer.begin_transaction()
    refused = outcome(lambda: producer.send_offsets_to_transaction([TopicPartition(topic, 0, 1)], metadata, 5))
    aborted = outcome(lambda: producer.abort_transaction(seconds_max))
    close(other)
    return [refused, aborted, committed(f"{me}-left", topic)]


@case("transactions", "empty ones")
def _():
    producer = transactional("empty")
    result = []
    for ends in (producer.commit_transaction, producer.abort_transaction):
        producer.begin_transaction()
        result.append(outcome(lambda: ends(seconds_max)))
    return result


@case("transactions", "a time-out that the broker does not admit")
def _():
    return outcome(lambda: transactional("long", **{"transaction.timeout.ms": 2_000_000}) and None)


@case("transactions", "one that takes too long is aborted by the broker")
def _():
    topic = new_topic()
    producer = transactional("slow", **{"transaction.timeout.ms": 1000, "linger.ms": 0})
    producer.begin_transaction()
    send(producer, topic, numbered(1))
    deadline = time.monotonic() + seconds_max
    while read(topic, show=value_of, isolation_level="read_committed") == [] and time.monotonic() < deadline:
        offset = list(admin.list_offsets({TopicPartition(topic, 0): OffsetSpec.latest()}, isolation_level=IsolationLevel.READ_COMMITTED).values())[0].result(seconds_max).offset
        if offset == 2:
            break
        time.sleep(0.1)
    refused = outcome(lambda: producer.commit_transaction(5))
    return [refused, seen(topic)]


@case("transactions", "many, one after the other")
def _():
    topic = new_topic()
    producer = transactional("many")
    for n in range(40):
        producer.begin_transaction()
        send(producer, topic, numbered(2, 10 * n))
        (producer.abort_transaction if n % 3 == 0 else producer.commit_transaction)(seconds_max)
    return seen(topic)


@case("transactions", "a refused record ends it: it can only be aborted")
def _():
    topic = new_topic(max_message_bytes=500)
    producer = transactional("error")
    producer.begin_transaction()
    sent = send(producer, topic, [{"value": b"x" * 2000}])
    refused = outcome(lambda: producer.commit_transaction(5))
    aborted = outcome(lambda: producer.abort_transaction(seconds_max))
    return [sent, refused, aborted, seen(topic)]
