import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The cases of Java's producer and consumer: records, groups, and transactions of version 2. */
final class Clients extends Cases {
    Clients(String[] args) {
        super(args);
    }

    public static void main(String[] args) throws Exception {
        var clients = new Clients(args);
        clients.records();
        clients.consume();
        clients.groups();
        clients.transactions();
        System.exit(0);
    }

    void records() throws Exception {
        for (var codec : List.of("none", "gzip", "snappy", "lz4", "zstd"))
            run("codecs", codec, () -> {
                var topic = newTopic(1);
                try (var producer = producer("compression.type", codec, "linger.ms", "20")) {
                    send(producer, topic, 0, 50, 0);
                }
                return read(topic, 1);
            });
        run("records", "null keys, null values, headers", () -> {
            var topic = newTopic(1);
            try (var producer = producer()) {
                producer.send(new ProducerRecord<>(topic, null, "v"));
                producer.send(new ProducerRecord<>(topic, "k", null));
                producer.send(new ProducerRecord<>(topic, "", ""));
                var headers = List.<org.apache.kafka.common.header.Header>of(
                    new RecordHeader("a", null), new RecordHeader("a", new byte[0]), new RecordHeader("grüße", "x".getBytes()));
                producer.send(new ProducerRecord<>(topic, 0, "k", "v", headers));
            }
            return read(topic, 1);
        });
        run("records", "one of 900 KB", () -> {
            var topic = newTopic(1);
            try (var producer = producer()) {
                producer.send(new ProducerRecord<>(topic, "x".repeat(900_000)));
            }
            return read(topic, 1);
        });
        run("records", "ten thousand", () -> {
            var topic = newTopic(1);
            fill(topic, 10_000);
            return read(topic, 1).size();
        });
        run("records", "by the log's time (LogAppendTime)", () -> {
            var topic = newTopic(1, "message.timestamp.type", "LogAppendTime");
            fill(topic, 3);
            return read(topic, 1);
        });
        for (var acks : List.of("0", "1", "all"))
            run("produce", "acks " + acks, () -> {
                var topic = newTopic(1);
                try (var producer = producer("acks", acks, "enable.idempotence", "false")) {
                    return List.of(send(producer, topic, 0, 2, 0), read(topic, 1).size());
                }
            });
        run("produce", "by key, and without one", () -> {
            var topic = newTopic(4);
            try (var producer = producer()) {
                for (int n = 0; n < 30; n += 1) producer.send(new ProducerRecord<>(topic, null, EPOCH_MS, "key " + n, "" + n));
            }
            return new TreeSet<>(read(topic, 4).stream().map(Object::toString).toList());
        });
        run("produce", "too large for the client, for the broker, for the topic", () -> {
            var small = newTopic(1, "max.message.bytes", "500");
            var topic = newTopic(1);
            var big = new ProducerRecord<String, String>(topic, "x".repeat(1_200_000));
            try (var usual = producer(); var large = producer("max.request.size", "10000000")) {
                return List.of(
                    done(usual.send(big)), done(large.send(big)),
                    done(usual.send(new ProducerRecord<>(small, "x".repeat(1000)))),
                    done(usual.send(new ProducerRecord<>(small, "x".repeat(10)))));
            }
        });
        run("produce", "larger together than a batch may be: split", () -> {
            var topic = newTopic(1, "max.message.bytes", "2000");
            try (var producer = producer("linger.ms", "50")) {
                for (int n = 0; n < 20; n += 1) producer.send(new ProducerRecord<>(topic, 0, EPOCH_MS, "k", "x".repeat(700)));
            }
            return read(topic, 1).size();
        });
        run("produce", "to an unknown partition, an invalid name, a topic that is made", () -> {
            var topic = newTopic(1);
            try (var producer = producer("max.block.ms", "2000")) {
                return List.of(
                    outcome(() -> done(producer.send(new ProducerRecord<>(topic, 5, "k", "v")))),
                    outcome(() -> done(producer.send(new ProducerRecord<>("a/b", "v")))),
                    outcome(() -> done(producer.send(new ProducerRecord<>(newName(), "v")))));
            }
        });
        run("produce", "outside the times that the topic admits", () -> {
            var topic = newTopic(1, "message.timestamp.before.max.ms", "1000", "message.timestamp.after.max.ms", "1000");
            try (var producer = producer()) {
                return List.of(
                    done(producer.send(new ProducerRecord<>(topic, 0, EPOCH_MS, "k", "v"))),
                    done(producer.send(new ProducerRecord<>(topic, 0, 4_000_000_000_000L, "k", "v"))));
            }
        });
        run("produce", "without a key to a compacted topic", () -> {
            var topic = newTopic(1, "cleanup.policy", "compact");
            try (var producer = producer()) {
                return done(producer.send(new ProducerRecord<>(topic, "v")));
            }
        });
    }

    void consume() throws Exception {
        run("consume", "ends, beginnings and times", () -> {
            var topic = newTopic(1);
            fill(topic, 10);
            var partition = new TopicPartition(topic, 0);
            try (var consumer = consumer()) {
                var times = new ArrayList<>();
                for (var at : List.of(0L, EPOCH_MS + 4, EPOCH_MS + 100))
                    times.add(String.valueOf(consumer.offsetsForTimes(Map.of(partition, at)).get(partition)));
                consumer.assign(List.of(partition));
                consumer.seekToEnd(List.of(partition));
                var end = consumer.position(partition);
                var lag = consumer.currentLag(partition).isPresent();
                return List.of(
                    times, end, lag, consumer.beginningOffsets(List.of(partition)).get(partition),
                    consumer.endOffsets(List.of(partition)).get(partition));
            }
        });
        run("consume", "past the end, with no reset", () -> {
            var topic = newTopic(1);
            fill(topic, 3);
            var partition = new TopicPartition(topic, 0);
            try (var consumer = consumer("auto.offset.reset", "none")) {
                consumer.assign(List.of(partition));
                var unset = outcome(() -> consumer.poll(Duration.ofSeconds(2)).count());
                consumer.seek(partition, 99);
                return List.of(unset, outcome(() -> consumer.poll(Duration.ofSeconds(5)).count()));
            }
        });
        run("consume", "forty partitions, one record a poll", () -> {
            var topic = newTopic(40);
            try (var producer = producer()) {
                for (int n = 0; n < 40; n += 1) producer.send(new ProducerRecord<>(topic, n, EPOCH_MS, "k", "v" + n));
            }
            return read(topic, 40, "max.poll.records", "1").size();
        });
        run("consume", "records larger than a fetch", () -> {
            var topic = newTopic(1);
            try (var producer = producer("linger.ms", "0")) {
                for (int n = 0; n < 5; n += 1) get(producer.send(new ProducerRecord<>(topic, "x".repeat(100_000))));
            }
            return read(topic, 1, "max.partition.fetch.bytes", "1000", "fetch.max.bytes", "1000").size();
        });
        run("consume", "the topics and partitions that there are", () -> {
            var topic = newTopic(2);
            try (var consumer = consumer("allow.auto.create.topics", "false")) {
                return List.of(
                    consumer.partitionsFor(topic).toString().replace(bootstrap, ""),
                    consumer.listTopics().containsKey(topic),
                    String.valueOf(outcome(() -> consumer.partitionsFor(me + "-unknown"))));
            }
        });
    }

    /** Polls these in turns until it is so; what came. */
    static List<String> poll(List<KafkaConsumer<String, String>> members, BooleanSupplier isDone) {
        var values = new ArrayList<String>();
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!isDone.getAsBoolean() && System.nanoTime() < deadline)
            for (var member : members)
                for (var record : member.poll(Duration.ofMillis(20))) values.add(record.value());
        return values;
    }

    /** Whether each partition has one member, and the members have about as many. */
    static boolean isShared(List<KafkaConsumer<String, String>> members, int partitions) {
        var sizes = sizes(members);
        if (sizes.get(sizes.size() - 1) - sizes.get(0) > 1) return false;
        var all = new TreeSet<String>();
        for (var member : members) {
            if (member.assignment().isEmpty()) return false;
            for (var each : member.assignment()) if (!all.add(each.toString())) return false;
        }
        return all.size() == partitions;
    }

    static List<Integer> sizes(List<KafkaConsumer<String, String>> members) {
        return members.stream().map(each -> each.assignment().size()).sorted().toList();
    }

    KafkaConsumer<String, String> member(String group, String topic, String... settings) {
        var all = new ArrayList<>(List.of("group.id", group));
        all.addAll(Arrays.asList(settings));
        var consumer = consumer(all.toArray(String[]::new));
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    void groups() throws Exception {
        for (var assignor : List.of("RangeAssignor", "RoundRobinAssignor", "StickyAssignor", "CooperativeStickyAssignor"))
            run("groups", "two, three and two members, " + assignor, () -> {
                var topic = newTopic(6);
                var group = newName();
                var strategy = "org.apache.kafka.clients.consumer." + assignor;
                var members = new ArrayList<KafkaConsumer<String, String>>();
                var result = new ArrayList<>();
                for (var change : List.of(2, 1, -1)) {
                    for (int n = 0; n < change; n += 1)
                        members.add(member(group, topic, "partition.assignment.strategy", strategy));
                    if (change < 0) members.remove(0).close();
                    poll(members, () -> isShared(members, 6));
                    result.add(sizes(members));
                }
                members.forEach(KafkaConsumer::close);
                return result;
            });
        run("groups", "commits, metadata, lag; the next member continues", () -> {
            var topic = newTopic(1);
            var group = newName();
            var partition = new TopicPartition(topic, 0);
            fill(topic, 10);
            try (var first = member(group, topic)) {
                poll(List.of(first), () -> isShared(List.of(first), 1));
                first.commitSync(Map.of(partition, new OffsetAndMetadata(4, "so far")));
            }
            try (var second = member(group, topic)) {
                var values = new ArrayList<String>();
                var deadline = System.nanoTime() + PATIENCE.toNanos();
                while (values.size() < 6 && System.nanoTime() < deadline)
                    second.poll(Duration.ofMillis(100)).forEach(record -> values.add(record.value()));
                var committed = second.committed(java.util.Set.of(partition)).get(partition);
                return List.of(values, committed.offset(), committed.metadata());
            }
        });
        run("groups", "a static member that comes back, and one that is fenced", () -> {
            var topic = newTopic(2);
            var group = newName();
            var first = member(group, topic, "group.instance.id", "one");
            poll(List.of(first), () -> isShared(List.of(first), 2));
            first.close();
            var second = member(group, topic, "group.instance.id", "one");
            poll(List.of(second), () -> isShared(List.of(second), 2));
            var third = member(group, topic, "group.instance.id", "one");
            poll(List.of(third), () -> isShared(List.of(third), 2));
            var refused = outcome(() -> {
                second.commitSync(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(0)));
                return "committed";
            });
            var generation = third.groupMetadata().groupInstanceId().orElse("none");
            third.close();
            outcome(() -> {
                second.close();
                return "closed";
            });
            return List.of(refused, generation);
        });
        run("groups", "callbacks: revoked, assigned", () -> {
            var topic = newTopic(2);
            var group = newName();
            var told = new ArrayList<String>();
            var first = consumer("group.id", group);
            first.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                    told.add("revoked " + partitions.size());
                }

                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                    told.add("assigned " + partitions.size());
                }
            });
            poll(List.of(first), () -> isShared(List.of(first), 2));
            var second = member(group, topic);
            poll(List.of(first, second), () -> isShared(List.of(first, second), 2));
            first.close();
            second.close();
            return told;
        });
        run("groups", "a commit of no member in a group that has some", () -> {
            var topic = newTopic(1);
            var group = newName();
            try (var member = member(group, topic); var other = consumer("group.id", group)) {
                poll(List.of(member), () -> isShared(List.of(member), 1));
                other.assign(List.of(new TopicPartition(topic, 0)));
                return outcome(() -> {
                    other.commitSync(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1)));
                    return "committed";
                });
            }
        });
        run("groups", "a member is closed while another waits to join", () -> {
            var topic = newTopic(1);
            var group = newName();
            var members = new ArrayList<>(List.of(member(group, topic), member(group, topic)));
            poll(members.subList(0, 1), () -> isShared(members.subList(0, 1), 1));
            members.get(1).poll(Duration.ofMillis(300));
            members.remove(0).close();
            poll(members, () -> isShared(members, 1));
            var result = sizes(members);
            members.forEach(KafkaConsumer::close);
            return result;
        });
    }

    KafkaProducer<String, String> transactional(String name, String... settings) {
        var all = new ArrayList<>(List.of("transactional.id", me + "-" + name, "max.block.ms", "15000"));
        all.addAll(Arrays.asList(settings));
        var producer = producer(all.toArray(String[]::new));
        producer.initTransactions();
        return producer;
    }

    List<Object> seen(String topic, int partitions) {
        return List.of(
            read(topic, partitions, "isolation.level", "read_committed"), read(topic, partitions, "isolation.level", "read_uncommitted"));
    }

    void transactions() throws Exception {
        run("transactions", "commit, abort, commit", () -> {
            var topic = newTopic(2);
            try (var producer = transactional("basic")) {
                for (int n = 0; n < 3; n += 1) {
                    producer.beginTransaction();
                    send(producer, topic, 0, 2, 10 * n);
                    send(producer, topic, 1, 1, 10 * n);
                    if (n == 1) producer.abortTransaction();
                    else producer.commitTransaction();
                }
            }
            return seen(topic, 2);
        });
        run("transactions", "a second producer fences the first", () -> {
            var topic = newTopic(1);
            var first = transactional("fenced");
            first.beginTransaction();
            send(first, topic, 0, 2, 0);
            var second = transactional("fenced");
            var sent = send(first, topic, 0, 1, 5);
            var refused = outcome(() -> {
                first.commitTransaction();
                return "committed";
            });
            second.beginTransaction();
            send(second, topic, 0, 1, 10);
            second.commitTransaction();
            second.close();
            first.close(Duration.ZERO);
            return List.of(sent, refused, seen(topic, 1));
        });
        run("transactions", "offsets in them, committed and aborted", () -> {
            var topic = newTopic(1);
            var group = newName();
            var partition = new TopicPartition(topic, 0);
            var result = new ArrayList<>();
            // Reads of what is committed wait for offsets whose transaction is ending.
            try (var member = member(group, topic, "isolation.level", "read_committed"); var producer = transactional("offsets")) {
                poll(List.of(member), () -> isShared(List.of(member), 1));
                for (var offset : List.of(3L, 5L)) {
                    producer.beginTransaction();
                    producer.sendOffsetsToTransaction(Map.of(partition, new OffsetAndMetadata(offset, "at " + offset)), member.groupMetadata());
                    if (offset == 3) producer.commitTransaction();
                    else producer.abortTransaction();
                    var committed = member.committed(java.util.Set.of(partition)).get(partition);
                    result.add(List.of(committed.offset(), committed.metadata()));
                }
            }
            return result;
        });
        run("transactions", "offsets of a member that was replaced", () -> {
            var topic = newTopic(1);
            var group = newName();
            var first = member(group, topic, "group.instance.id", "one");
            poll(List.of(first), () -> isShared(List.of(first), 1));
            var metadata = first.groupMetadata();
            var second = member(group, topic, "group.instance.id", "one");
            poll(List.of(second), () -> isShared(List.of(second), 1));
            try (var producer = transactional("replaced")) {
                producer.beginTransaction();
                var refused = outcome(() -> {
                    producer.sendOffsetsToTransaction(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1)), metadata);
                    producer.commitTransaction();
                    return "committed";
                });
                var aborted = outcome(() -> {
                    producer.abortTransaction();
                    return "aborted";
                });
                second.close();
                first.close(Duration.ZERO);
                return List.of(refused, aborted);
            }
        });
        run("transactions", "empty ones, and a time-out that is not admitted", () -> {
            try (var producer = transactional("empty")) {
                producer.beginTransaction();
                producer.commitTransaction();
                producer.beginTransaction();
                producer.abortTransaction();
            }
            return outcome(() -> transactional("long", "transaction.timeout.ms", "2000000"));
        });
        run("transactions", "one that takes too long is aborted by the broker", () -> {
            var topic = newTopic(1);
            var producer = transactional("slow", "transaction.timeout.ms", "1000");
            producer.beginTransaction();
            send(producer, topic, 0, 1, 0);
            var partition = new TopicPartition(topic, 0);
            try (var reader = consumer("isolation.level", "read_committed")) {
                var deadline = System.nanoTime() + PATIENCE.toNanos();
                while (reader.endOffsets(List.of(partition)).get(partition) < 2 && System.nanoTime() < deadline) Thread.sleep(100);
            }
            var refused = outcome(() -> {
                producer.commitTransaction();
                return "committed";
            });
            producer.close(Duration.ZERO);
            return List.of(refused, seen(topic, 1));
        });
        run("transactions", "forty, one after the other", () -> {
            var topic = newTopic(1);
            try (var producer = transactional("many")) {
                for (int n = 0; n < 40; n += 1) {
                    producer.beginTransaction();
                    send(producer, topic, 0, 2, 10 * n);
                    if (n % 3 == 0) producer.abortTransaction();
                    else producer.commitTransaction();
                }
            }
            return seen(topic, 1);
        });
    }
}
