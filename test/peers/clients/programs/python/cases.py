"""
What the cases of confluent-kafka (librdkafka) share. Each program beside this file is called with a bootstrap
address, what its topics begin with, and, to try a few cases, a part of their names. It prints a line of JSON
per case, `{"area", "case", "result"}`. Results hold nothing that differs between two brokers that behave
alike: no addresses, ids or times of a run. An error is shown by its name.
"""

import json
import sys
import time

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    ConsumerGroupState,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
    OFFSET_BEGINNING,
    OFFSET_END,
    TIMESTAMP_CREATE_TIME,
    TIMESTAMP_LOG_APPEND_TIME,
    TopicCollection,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

bootstrap = sys.argv[1]
me, wanted = (sys.argv[2:] + [""])[:2]
epoch_ms = 1_600_000_000_000
# What is only slow, on a busy machine, gets so long.
seconds_max = 60
# Longer than records take to be added.
linger_ms = 30_000
quiet = {"bootstrap.servers": bootstrap, "log_level": 0, "error_cb": lambda error: None}
admin = AdminClient(quiet)
topics_made = 0


def case(area, name):
    """Runs the function at once and prints what it returns or raises."""

    def run(function):
        if wanted not in f"{area}: {name}":
            return
        begun = time.monotonic()
        try:
            result = function()
        except (Exception, KafkaError) as error:
            result = {"error": name_of(error)}
        print(json.dumps({"area": area, "case": name, "result": result}, separators=(",", ":")), flush=True)
        print(f"{time.monotonic() - begun:.2f} {area}: {name}", file=sys.stderr)

    return run


def name_of(error):
    if isinstance(error, KafkaException):
        error = error.args[0]
    return error.name() if isinstance(error, KafkaError) else repr(error)


def outcome(action):
    """What an action returns, or the name of its error."""
    try:
        return action()
    except (Exception, KafkaError) as error:
        return name_of(error)


def each(futures):
    """The outcomes of an admin call, by what was asked for."""
    return {str(key): outcome(lambda: future.result(seconds_max) and "value" or "done") for key, future in futures.items()}


def new_topic(partitions=1, name=None, **config):
    global topics_made
    topics_made += 1
    topic = f"{me}-{name or topics_made}"
    config = {name.replace("_", "."): str(value) for name, value in config.items()}
    admin.create_topics([NewTopic(topic, partitions, 1, config=config)])[topic].result(seconds_max)
    until(lambda: is_served(topic, partitions))
    return topic


def is_served(topic, partitions):
    """Whether the broker has these partitions: Kafka's learns of a topic after its controller has answered."""
    # It remembers that a topic is unknown, for some time.
    if len(admin.list_topics(topic, seconds_max).topics[topic].partitions) < partitions:
        return False
    asked = {TopicPartition(topic, partition): OffsetSpec.earliest() for partition in range(partitions)}
    found = [outcome(lambda: future.result(seconds_max).offset) for future in admin.list_offsets(asked).values()]
    return all(isinstance(offset, int) for offset in found)


def settle():
    """
    Waits until the broker has done all that its controller has answered. Kafka's takes changes in order: once it
    has a topic, it has taken all before that; once it has a second one, it is done with them.
    """
    new_topic()
    new_topic()


def until(is_so):
    """Waits for a condition; what does not come is the case's result."""
    deadline = time.monotonic() + seconds_max
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(is_so.__qualname__)
        time.sleep(0.02)


def produce(topic, records, partition=0, wait=True, **config):
    """
    Sends records, each a dict of arguments of `produce`; what was acknowledged, in order. `flush` sends at once
    what lingers: batches do not depend on how fast records are added.
    """
    producer = Producer({**quiet, "linger.ms": linger_ms, **config})
    return send(producer, topic, records, partition)


def send(producer, topic, records, partition=0):
    acknowledged = []
    for record in records:
        at = len(acknowledged)
        acknowledged.append(None)

        def delivered(error, message, at=at):
            acknowledged[at] = error.name() if error else message.offset()

        producer.produce(topic, **{"partition": partition, **record}, on_delivery=delivered)
    producer.flush(seconds_max)
    return acknowledged


def numbered(count, begin=0, **fields):
    return [{"value": f"value {n}", "key": f"key {n}", "timestamp": epoch_ms + n, **fields} for n in range(begin, begin + count)]


def consumer(group="python", **config):
    return Consumer(
        {
            **quiet,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 100,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 200,
            **{name if name == "error_cb" else name.replace("_", "."): value for name, value in config.items()},
        }
    )


def shown(message):
    """A record without what differs from run to run."""
    kind, timestamp = message.timestamp()
    return {
        "offset": message.offset(),
        "key": text(message.key()),
        "value": text(message.value()),
        "headers": message.headers() and [[name, text(value)] for name, value in message.headers()],
        "time": {TIMESTAMP_CREATE_TIME: time_of(timestamp), TIMESTAMP_LOG_APPEND_TIME: "append"}.get(kind, "none"),
    }


def time_of(timestamp):
    return timestamp if timestamp < epoch_ms + 1_000_000 else "now"


def text(data):
    if data is None:
        return None
    return data.decode("latin-1") if len(data) < 100 else f"{len(data)} bytes"


def read(topic, start=OFFSET_BEGINNING, partitions=(0,), show=shown, **config):
    """What a consumer without a group gets up to the ends of these partitions."""
    reader = consumer(**config)
    reader.assign([TopicPartition(topic, partition, start) for partition in partitions])
    try:
        return read_to_ends(reader, len(partitions), show)
    finally:
        reader.close()


def read_to_ends(reader, partitions, show=shown):
    records, ended, deadline = [], set(), time.monotonic() + seconds_max
    while len(ended) < partitions and time.monotonic() < deadline:
        message = reader.poll(0.5)
        if message is None:
            continue
        if message.error() is None:
            records.append(show(message))
        elif message.error().code() == KafkaError._PARTITION_EOF:
            ended.add((message.topic(), message.partition()))
        else:
            raise KafkaException(message.error())
    return records if len(ended) >= partitions else {"unfinished": records}


def value_of(message):
    return text(message.value())


def take(reader, count, seconds=seconds_max):
    """The next records of a consumer, by value."""
    values, deadline = [], time.monotonic() + seconds
    while len(values) < count and time.monotonic() < deadline:
        message = reader.poll(0.1)
        if message is not None and message.error() is None:
            values.append(value_of(message))
    return values


# Groups.
def poll_until(consumers, is_done, seconds=seconds_max):
    """Polls these in turns; the values that came, in order."""
    values, deadline = [], time.monotonic() + seconds
    while not is_done(values) and time.monotonic() < deadline:
        for each in consumers:
            message = each.poll(0.02)
            if message is not None and message.error() is None:
                values.append(value_of(message))
            elif message is not None and message.error().code() != KafkaError._PARTITION_EOF:
                raise KafkaException(message.error())
    return values


def assignments(consumers):
    """Who has what, without who is who: members' ids decide that, and they are random."""
    return sorted(sorted([p.topic, p.partition] for p in each.assignment()) for each in consumers)


def is_shared(consumers, partitions):
    """Whether each partition has a member, and each member its share."""

    def done(_values):
        found = [[(p.topic, p.partition) for p in each.assignment()] for each in consumers]
        sizes = [len(each) for each in found]
        return max(sizes) - min(sizes) <= 1 and sorted(sum(found, [])) == sorted(partitions) and (
            all(found) or len(consumers) > len(partitions) and sum(map(bool, found)) == len(partitions)
        )

    return done


def members(group, topics, count, **config):
    found = [consumer(group, **config) for _ in range(count)]
    for each in found:
        each.subscribe(topics)
    return found


def close(consumers):
    for each in consumers:
        each.close()


def committed(group, topic, partitions=(0,), **config):
    reader = consumer(group, **config)
    found = reader.committed([TopicPartition(topic, partition) for partition in partitions], seconds_max)
    reader.close()
    return [[p.partition, p.offset, p.metadata] for p in found]
