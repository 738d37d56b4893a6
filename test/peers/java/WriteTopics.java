import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Has Apache Kafka write the topics that kafka-log.test.ts reads: every compression that millrace reads, tombstones, null keys
 * and headers, several segments, and transactions that commit and abort while others are open. Prints what each topic holds,
 * one JSON object a line; texts are plain ASCII, so nothing needs escaping.
 */
public class WriteTopics {
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final int PLAIN_RECORDS = 3_000;
    private static final int TRANSACTIONS = 40;
    private static final int RECORDS_PER_TRANSACTION = 25;
    private static final long FIRST_TIMESTAMP = 992_516_400_000L;

    private final String brokers;

    private WriteTopics(String brokers) {
        this.brokers = brokers;
    }

    public static void main(String[] arguments) throws Exception {
        var writer = new WriteTopics(arguments[0]);
        try (var admin = Admin.create(Map.of("bootstrap.servers", writer.brokers))) {
            // The smallest segment Kafka allows, so that a few megabytes make several.
            var smallSegments = Map.of("segment.bytes", "1048576");
            var topics = new ArrayList<NewTopic>();
            for (var name : CODECS.stream().map(codec -> "plain-" + codec).toList()) topics.add(new NewTopic(name, 1, (short) 1).configs(smallSegments));
            for (var name : CODECS.stream().map(codec -> "transactions-" + codec).toList()) topics.add(new NewTopic(name, 2, (short) 1));
            admin.createTopics(topics).all().get();
        }
        for (var compression : CODECS) {
            writer.plain("plain-" + compression, compression);
            writer.transactions("transactions-" + compression, compression);
        }
    }

    /** Idempotent, no transaction: some 3 MB, every tenth key null, every tenth value a tombstone, every fifth record with headers. */
    private void plain(String topic, String compression) throws Exception {
        try (var producer = producer(compression, null)) {
            var sent = new ArrayList<Sent>();
            for (int i = 0; i < PLAIN_RECORDS; i++) {
                var key = i % 10 == 3 ? null : "key-" + i % 17;
                var value = i % 10 == 7 ? null : "value-" + i + "-" + noise(i, 1_000);
                sent.add(send(producer, topic, 0, i, key, value, i % 5 == 0));
            }
            producer.flush();
            for (var one : sent) one.print(true);
        }
    }

    /**
     * Two producers take turns, so that their transactions overlap in both partitions; every third is aborted. Among them a
     * third producer without transactions writes records that a reader must see although transactions around them are aborted.
     */
    private void transactions(String topic, String compression) throws Exception {
        try (var even = producer(compression, topic + "-even"); var odd = producer(compression, topic + "-odd"); var plain = producer(compression, null)) {
            even.initTransactions();
            odd.initTransactions();
            for (int pair = 0; pair < TRANSACTIONS / 2; pair++) {
                even.beginTransaction();
                odd.beginTransaction();
                var ofEven = new ArrayList<Sent>();
                var ofOdd = new ArrayList<Sent>();
                var ofPlain = new ArrayList<Sent>();
                for (int i = 0; i < RECORDS_PER_TRANSACTION; i++) {
                    var number = pair * RECORDS_PER_TRANSACTION + i;
                    ofEven.add(send(even, topic, i % 2, number, "even-" + pair, "value-" + number, false));
                    ofOdd.add(send(odd, topic, i % 2, number, "odd-" + pair, "value-" + number, i % 5 == 0));
                    if (i % 8 == 0) ofPlain.add(send(plain, topic, i % 2, number, "plain-" + pair, "value-" + number, false));
                    // Several batches per transaction, from both producers in turn.
                    if (i % 6 == 5) {
                        even.flush();
                        odd.flush();
                        plain.flush();
                    }
                }
                plain.flush();
                end(odd, ofOdd, (2 * pair + 1) % 3 != 0);
                end(even, ofEven, 2 * pair % 3 != 0);
                for (var one : ofPlain) one.print(true);
            }
        }
    }

    private static void end(KafkaProducer<byte[], byte[]> producer, List<Sent> sent, boolean commit) throws Exception {
        producer.flush();
        if (commit) producer.commitTransaction();
        else producer.abortTransaction();
        for (var one : sent) one.print(commit);
    }

    private KafkaProducer<byte[], byte[]> producer(String compression, String transactionalId) {
        var options = new HashMap<String, Object>();
        options.put("bootstrap.servers", brokers);
        options.put("compression.type", compression);
        options.put("linger.ms", "5");
        options.put("batch.size", "16384");
        if (transactionalId != null) options.put("transactional.id", transactionalId);
        return new KafkaProducer<>(options, new ByteArraySerializer(), new ByteArraySerializer());
    }

    private record Sent(String topic, int partition, long timestamp, String key, String value, boolean headers, Future<RecordMetadata> metadata) {
        void print(boolean visible) throws Exception {
            System.out.println("{\"topic\":\"" + topic + "\",\"partition\":" + partition + ",\"offset\":" + metadata.get().offset()
                + ",\"timestamp\":" + timestamp + ",\"key\":" + json(key) + ",\"value\":" + json(value) + ",\"headers\":" + headers + ",\"visible\":" + visible + "}");
        }
    }

    private static Sent send(KafkaProducer<byte[], byte[]> producer, String topic, int partition, int number, String key, String value, boolean headers) {
        // Out of order on purpose: offsets and timestamps are not the same order.
        var timestamp = FIRST_TIMESTAMP + (number * 7_919L) % 100_000;
        var record = new ProducerRecord<>(topic, partition, timestamp, bytes(key), bytes(value));
        if (headers) record.headers().add("source", bytes("kafka")).add("empty", null);
        return new Sent(topic, partition, timestamp, key, value, headers, producer.send(record));
    }

    /** Text that compression cannot do away with, the same for the same seed. */
    private static String noise(int seed, int length) {
        var random = new java.util.Random(seed);
        var text = new StringBuilder(length);
        for (int i = 0; i < length; i++) text.append((char) ('a' + random.nextInt(26)));
        return text.toString();
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.US_ASCII);
    }

    private static String json(String text) {
        return text == null ? "null" : "\"" + text + "\"";
    }
}
