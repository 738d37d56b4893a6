import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.TopicPartition;

/** The cases of Java's producer with transactions, of version 2. */
final class Transactions extends Members {
    Transactions(String[] args) {
        super(args);
    }

    public static void main(String[] args) throws Exception {
        new Transactions(args).transactions();
        System.exit(0);
    }

    KafkaProducer<String, String> transactional(String name, String... settings) {
        var all = new ArrayList<>(List.of("transactional.id", me + "-" + name, "max.block.ms", "60000"));
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
                // A look-up of what is committed shares the answer of one that is on its way: it ends here.
                member.position(partition);
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
                until(() -> reader.endOffsets(List.of(partition)).get(partition) >= 2);
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
