import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The cases of Java's producer and consumer: codecs, records, what is refused, positions. */
final class Clients extends Cases {
    Clients(String[] args) {
        super(args);
    }

    public static void main(String[] args) throws Exception {
        var clients = new Clients(args);
        clients.records();
        clients.consume();
        System.exit(0);
    }

    void records() throws Exception {
        for (var codec : List.of("none", "gzip", "snappy", "lz4", "zstd"))
            run("codecs", codec, () -> {
                var topic = newTopic(1);
                try (var producer = producer("compression.type", codec, "linger.ms", LINGER_MS)) {
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
            try (var producer = producer("linger.ms", LINGER_MS)) {
                for (int n = 0; n < 20; n += 1) producer.send(new ProducerRecord<>(topic, 0, EPOCH_MS, "k", "x".repeat(700)));
            }
            return read(topic, 1).size();
        });
        run("produce", "to an unknown partition, an invalid name, a topic that is made", () -> {
            var topic = newTopic(1);
            // Of an unknown partition, a producer asks until its time is over.
            try (var hasty = producer("max.block.ms", "2000"); var producer = producer()) {
                return List.of(
                    outcome(() -> done(hasty.send(new ProducerRecord<>(topic, 5, "k", "v")))),
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
                var unset = outcome(() -> consumer.poll(PATIENCE).count());
                consumer.seek(partition, 99);
                return List.of(unset, outcome(() -> consumer.poll(PATIENCE).count()));
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
}
