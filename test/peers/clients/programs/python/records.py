"""Records, timestamps, offsets, producing and consuming."""

from cases import *

# Codecs: each alone, and a batch that is larger than one.
for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:

    @case("codecs", codec)
    def _():
        topic = new_topic()
        offsets = produce(topic, numbered(50), **{"compression.type": codec})
        return {"offsets": offsets[-1], "read": read(topic)}

    @case("codecs", f"{codec}, stored by the topic's own codec gzip")
    def _():
        topic = new_topic(compression_type="gzip")
        produce(topic, numbered(5), **{"compression.type": codec})
        return read(topic)


@case("codecs", "a topic of all codecs in turn")
def _():
    topic = new_topic()
    for n, codec in enumerate(["none", "gzip", "snappy", "lz4", "zstd"]):
        produce(topic, numbered(3, 3 * n), **{"compression.type": codec})
    return read(topic)


# Records.
@case("records", "null keys and null values")
def _():
    topic = new_topic()
    produce(topic, [{"value": "v"}, {"key": "k"}, {"key": "", "value": ""}, {}])
    return [[record["key"], record["value"]] for record in read(topic)]


@case("records", "headers: null, empty, binary, twice the same, beyond ASCII")
def _():
    topic = new_topic()
    headers = [("a", None), ("a", b""), ("b", b"\x00\xff\x80"), ("b", b"again"), ("grüße", b"x"), ("", b"unnamed")]
    produce(topic, [{"value": "v", "headers": headers}, {"value": "w"}])
    return [record["headers"] for record in read(topic)]


@case("records", "a thousand headers")
def _():
    topic = new_topic()
    produce(topic, [{"value": "v", "headers": [(f"h{n}", str(n)) for n in range(1000)]}])
    return read(topic, show=lambda message: len(message.headers()))


@case("records", "binary keys and values")
def _():
    topic = new_topic()
    produce(topic, [{"key": bytes(range(90)), "value": bytes(range(90, 180))}])
    return read(topic)


@case("records", "one of 900 KB")
def _():
    topic = new_topic()
    produce(topic, [{"value": b"x" * 900_000}])
    return read(topic)


@case("records", "thirty of 300 KB through small fetches")
def _():
    topic = new_topic()
    produce(topic, [{"value": bytes([n]) * 300_000} for n in range(30)], **{"linger.ms": 0})
    return read(topic, show=lambda message: [message.offset(), message.value()[0]], fetch_message_max_bytes=100_000)


@case("records", "ten thousand in one topic")
def _():
    topic = new_topic()
    offsets = produce(topic, numbered(10_000))
    values = read(topic, show=value_of)
    return [offsets == list(range(10_000)), values == [f"value {n}" for n in range(10_000)]]


# Time.
@case("timestamps", "the producer's, forth and back")
def _():
    topic = new_topic()
    produce(topic, [{"value": str(n), "timestamp": epoch_ms + n * (-1) ** n} for n in range(6)])
    return [record["time"] for record in read(topic)]


@case("timestamps", "the log's (LogAppendTime)")
def _():
    topic = new_topic(message_timestamp_type="LogAppendTime")
    produce(topic, numbered(3))
    return read(topic)


@case("timestamps", "too far in the past (message.timestamp.before.max.ms)")
def _():
    topic = new_topic(message_timestamp_before_max_ms=1000)
    return produce(topic, numbered(2))


@case("timestamps", "too far in the future (message.timestamp.after.max.ms)")
def _():
    topic = new_topic(message_timestamp_after_max_ms=1000)
    return produce(topic, [{"value": "v", "timestamp": int(time.time() * 1000) + 3_600_000}])


def offsets_of(topic, *times):
    reader = consumer()
    asked = [outcome(lambda: reader.offsets_for_times([TopicPartition(topic, 0, at)], seconds_max)[0].offset) for at in times]
    reader.close()
    return asked


@case("offsets", "by time")
def _():
    topic = new_topic()
    produce(topic, [{"value": str(n), "timestamp": epoch_ms + 10 * n} for n in range(10)])
    return offsets_of(topic, 0, epoch_ms, epoch_ms + 1, epoch_ms + 45, epoch_ms + 90, epoch_ms + 91)


@case("offsets", "by time, where time goes back")
def _():
    topic = new_topic()
    for at in [50, 10, 70, 30]:
        produce(topic, [{"value": str(at), "timestamp": epoch_ms + at}])
    return offsets_of(topic, *[epoch_ms + at for at in (5, 20, 50, 60, 70, 71)])


@case("offsets", "by time, in an empty topic")
def _():
    return offsets_of(new_topic(), epoch_ms)


@case("offsets", "watermarks of an empty topic, and of one with records")
def _():
    empty, topic = new_topic(), new_topic()
    produce(topic, numbered(7))
    reader = consumer()
    result = [reader.get_watermark_offsets(TopicPartition(each, 0), seconds_max) for each in (empty, topic)]
    reader.close()
    return result


@case("offsets", "watermarks of a partition and of a topic that do not exist")
def _():
    topic = new_topic()
    reader = consumer()
    result = [
        outcome(lambda: reader.get_watermark_offsets(TopicPartition(topic, 7), 3)),
        outcome(lambda: reader.get_watermark_offsets(TopicPartition(f"{me}-unknown", 0), 3)),
    ]
    reader.close()
    return result


def listed(topic, spec, **options):
    found = admin.list_offsets({TopicPartition(topic, 0): spec}, **options)
    info = list(found.values())[0].result(seconds_max)
    return [info.offset, time_of(info.timestamp), info.leader_epoch]


for name, spec in [
    ("earliest", OffsetSpec.earliest()),
    ("latest", OffsetSpec.latest()),
    ("the largest timestamp", OffsetSpec.max_timestamp()),
    ("of a time", OffsetSpec.for_timestamp(epoch_ms + 3)),
    ("of a time to come", OffsetSpec.for_timestamp(epoch_ms + 1000)),
]:

    @case("offsets", f"list_offsets, {name}")
    def _():
        topic, empty = new_topic(), new_topic()
        produce(topic, numbered(6))
        return [listed(topic, spec), listed(empty, spec)]


# Reading.
@case("consume", "from the end")
def _():
    topic = new_topic()
    produce(topic, numbered(3))
    return read(topic, OFFSET_END)


@case("consume", "from an offset inside a batch")
def _():
    topic = new_topic()
    produce(topic, numbered(10))
    return read(topic, 7, show=value_of)


@case("consume", "from an offset past the end: auto.offset.reset")
def _():
    topic = new_topic()
    produce(topic, numbered(3))
    earliest = read(topic, 99, show=value_of)
    latest = read(topic, 99, show=value_of, auto_offset_reset="latest")
    refused = outcome(lambda: read(topic, 99, show=value_of, auto_offset_reset="error"))
    return [earliest, latest, refused]


@case("consume", "seek back and forth")
def _():
    topic = new_topic()
    produce(topic, numbered(9))
    reader = consumer()
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    result = take(reader, 2)
    for offset in (7, 0, 4):
        reader.seek(TopicPartition(topic, 0, offset))
        result += take(reader, 1)
    reader.close()
    return result


@case("consume", "pause and resume")
def _():
    topic = new_topic(2)
    produce(topic, numbered(3), partition=0)
    produce(topic, numbered(3, 10), partition=1)
    reader = consumer()
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING), TopicPartition(topic, 1, OFFSET_BEGINNING)])
    reader.pause([TopicPartition(topic, 0)])
    first = take(reader, 3)
    reader.resume([TopicPartition(topic, 0)])
    second = take(reader, 3)
    reader.close()
    return [first, second]


@case("consume", "a record that comes during a long poll")
def _():
    topic = new_topic()
    reader = consumer(fetch_wait_max_ms=60_000, fetch_min_bytes=1, socket_timeout_ms=90_000)
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    reader.poll(1.0)
    begun = time.monotonic()
    produce(topic, numbered(1))
    result = take(reader, 1)
    reader.close()
    return [result, time.monotonic() - begun < 30]


@case("consume", "fetch.min.bytes waits for more")
def _():
    topic = new_topic()
    produce(topic, numbered(1))
    reader = consumer(fetch_wait_max_ms=1500, fetch_min_bytes=100_000, enable_partition_eof=False)
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    begun = time.monotonic()
    result = take(reader, 1)
    reader.close()
    return [result, time.monotonic() - begun > 1]


@case("consume", "forty partitions of one topic")
def _():
    topic = new_topic(40)
    producer = Producer({**quiet, "linger.ms": linger_ms})
    for partition in range(40):
        send(producer, topic, numbered(3, partition), partition) if partition % 13 == 0 else None
    return sorted(read(topic, partitions=range(40), show=value_of))


@case("consume", "a topic that does not exist")
def _():
    reader = consumer(allow_auto_create_topics=False)
    reader.subscribe([f"{me}-unknown"])
    message = reader.poll(seconds_max)
    reader.close()
    return message.error().name() if message else None


@case("consume", "a topic that is made while it is awaited")
def _():
    topic = f"{me}-later"
    reader = consumer(f"{me}-later", allow_auto_create_topics=False, topic_metadata_refresh_interval_ms=300)
    reader.subscribe([f"^{me}-later$"])
    reader.poll(0.5)
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(seconds_max)
    produce(topic, numbered(2))
    result = take(reader, 2)
    reader.close()
    return result


# Producing.
@case("produce", "acks 0, 1 and all")
def _():
    topic = new_topic()
    acknowledged = [produce(topic, numbered(2), acks=acks) for acks in ("1", "all")]
    produce(topic, numbered(2), acks="0")
    # Nobody says when the broker has the last ones.
    until(lambda: listed(topic, OffsetSpec.latest())[0] >= 6)
    return [acknowledged, len(read(topic))]


for partitioner in ["consistent", "consistent_random", "murmur2", "murmur2_random", "fnv1a", "fnv1a_random"]:

    @case("produce", f"partitioner {partitioner}")
    def _():
        topic = new_topic(5)
        produce(topic, [{"key": f"key {n}", "value": str(n)} for n in range(40)], partition=-1, partitioner=partitioner)
        found = read(topic, partitions=range(5), show=lambda message: [message.partition(), value_of(message)])
        return sorted(found)


@case("produce", "without keys: spread over partitions, none lost")
def _():
    topic = new_topic(3, name="spread")
    produce(topic, [{"value": str(n)} for n in range(60)], partition=-1)
    return sorted(read(topic, partitions=range(3), show=value_of))


@case("produce", "idempotent")
def _():
    topic = new_topic()
    offsets = produce(topic, numbered(500), **{"enable.idempotence": True, "linger.ms": 1})
    return [offsets == list(range(500)), len(read(topic))]


@case("produce", "too large for the client")
def _():
    return produce(new_topic(), [{"value": b"x" * 1_100_000}])


@case("produce", "too large for the broker")
def _():
    return produce(new_topic(), [{"value": b"x" * 1_100_000}], **{"message.max.bytes": 10_000_000})


@case("produce", "too large for the topic (max.message.bytes)")
def _():
    topic = new_topic(max_message_bytes=500)
    return produce(topic, [{"value": b"x" * 100}, {"value": b"x" * 1000}], **{"batch.num.messages": 1})


@case("produce", "larger than usual where the topic admits it")
def _():
    topic = new_topic(max_message_bytes=5_000_000)
    offsets = produce(topic, [{"value": b"x" * 3_000_000}], **{"message.max.bytes": 5_000_000})
    return [offsets, read(topic)]


@case("produce", "to a partition that does not exist")
def _():
    return produce(new_topic(), [{"value": "v", "partition": 3}], **{"message.timeout.ms": 3000, "linger.ms": 0})


@case("produce", "to a topic that the broker makes")
def _():
    result = produce(f"{me}-made-by-produce", numbered(2), partition=-1)
    return [result, len(admin.list_topics(f"{me}-made-by-produce").topics[f"{me}-made-by-produce"].partitions)]


@case("produce", "to a topic of an invalid name")
def _():
    return produce("no/topic", numbered(1), partition=-1, **{"message.timeout.ms": 3000, "linger.ms": 0})


@case("produce", "without a key to a compacted topic")
def _():
    return produce(new_topic(cleanup_policy="compact"), [{"value": "v"}, {"key": "k", "value": "v"}], **{"batch.num.messages": 1})
