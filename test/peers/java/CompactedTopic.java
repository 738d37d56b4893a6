import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A compacted topic for compaction.test.ts. `write` makes it, with transactions that commit and abort, and tombstones; `create`
 * makes it empty; `read` prints what a consumer with read_committed finds, one JSON object a line.
 */
public class CompactedTopic {
    private static final int TRANSACTIONS = 160;
    private static final int RECORDS_PER_TRANSACTION = 25;
    private static final int KEYS = 100;

    public static void main(String[] arguments) throws Exception {
        var brokers = arguments[1];
        var topic = arguments[2];
        switch (arguments[0]) {
            case "create" -> create(brokers, topic);
            case "write" -> {
                create(brokers, topic);
                write(brokers, topic);
            }
            default -> read(brokers, topic);
        }
    }

    private static void create(String brokers, String topic) throws Exception {
        var configs = Map.of("cleanup.policy", "compact", "segment.bytes", "1048576", "min.cleanable.dirty.ratio", "0.01");
        try (var admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(configs))).all().get();
        }
    }

    private static void write(String brokers, String topic) throws Exception {
        Map<String, Object> settings = Map.of(
            "bootstrap.servers", brokers, "transactional.id", topic, "compression.type", "lz4", "linger.ms", "5");
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            producer.initTransactions();
            for (int n = 0; n < TRANSACTIONS; n++) {
                producer.beginTransaction();
                for (int i = 0; i < RECORDS_PER_TRANSACTION; i++) {
                    var number = n * RECORDS_PER_TRANSACTION + i;
                    var value = number % 9 == 4 ? null : number + "-" + noise(number);
                    producer.send(new ProducerRecord<>(topic, 0, "key-" + number * 7 % KEYS, value));
                }
                if (n % 4 == 1) producer.abortTransaction();
                else producer.commitTransaction();
            }
        }
    }

    /** Text that no codec makes much smaller, so that the topic has several segments. */
    private static String noise(int seed) {
        var bytes = new byte[700];
        new Random(seed).nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    private static void read(String brokers, String topic) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", brokers, "isolation.level", "read_committed");
        var partition = new TopicPartition(topic, 0);
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            var end = consumer.endOffsets(List.of(partition)).get(partition);
            while (consumer.position(partition) < end)
                for (var record : consumer.poll(Duration.ofSeconds(1)))
                    System.out.println("{\"offset\":" + record.offset() + ",\"timestamp\":" + record.timestamp()
                        + ",\"key\":" + text(record.key()) + ",\"value\":" + text(record.value()) + "}");
        }
    }

    private static String text(byte[] bytes) {
        return bytes == null ? "null" : "\"" + new String(bytes, StandardCharsets.US_ASCII) + "\"";
    }
}
