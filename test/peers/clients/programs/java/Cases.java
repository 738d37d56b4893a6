import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * What the programs in Java share. Each is called with a bootstrap address, what its topics begin with, and, to
 * try a few cases, a part of their names. It prints a line of JSON per case, which holds nothing that differs
 * between two brokers that behave alike.
 */
abstract class Cases {
    /** What records are stamped with: no time of the run. */
    static final long EPOCH_MS = 1_600_000_000_000L;
    /** What is only slow, on a busy machine, gets so long. */
    static final Duration PATIENCE = Duration.ofSeconds(60);
    /** Longer than records take to be added; `flush` sends at once what lingers. */
    static final String LINGER_MS = "30000";
    static final ObjectMapper JSON = new ObjectMapper();

    /** Kept, since tools print to System.out. */
    static final PrintStream RESULTS = System.out;

    final String bootstrap;
    final String me;
    final String wanted;
    final Admin admin;
    private int names = 0;

    Cases(String[] args) {
        bootstrap = args[0];
        me = args[1];
        wanted = args.length > 2 ? args[2] : "";
        admin = Admin.create(common());
    }

    void run(String area, String name, Callable<Object> body) throws Exception {
        if (!(area + ": " + name).contains(wanted)) return;
        var begun = System.nanoTime();
        var line = new LinkedHashMap<String, Object>();
        line.put("area", area);
        line.put("case", name);
        line.put("result", outcome(body));
        RESULTS.println(JSON.writeValueAsString(line));
        System.err.printf("%.2f %s: %s%n", (System.nanoTime() - begun) / 1e9, area, name);
    }

    /** What an action returns, or the name of its error. */
    static Object outcome(Callable<?> action) {
        try {
            return action.call();
        } catch (Exception error) {
            return nameOf(error);
        }
    }

    static String nameOf(Throwable error) {
        var isWrapper = error instanceof ExecutionException || error instanceof CompletionException
            || error.getClass() == KafkaException.class;
        return isWrapper && error.getCause() != null ? nameOf(error.getCause()) : error.getClass().getSimpleName();
    }

    static <T> T get(Future<T> future) throws Exception {
        return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }

    static Object done(Future<?> future) {
        return outcome(() -> {
            get(future);
            return "done";
        });
    }

    Properties common(String... settings) {
        var properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("client.id", "java");
        properties.put("key.serializer", StringSerializer.class);
        properties.put("value.serializer", StringSerializer.class);
        properties.put("key.deserializer", StringDeserializer.class);
        properties.put("value.deserializer", StringDeserializer.class);
        for (int n = 0; n < settings.length; n += 2) properties.put(settings[n], settings[n + 1]);
        return properties;
    }

    String newName() {
        names += 1;
        return me + "-" + names;
    }

    String newTopic(int partitions, String... configs) throws Exception {
        var topic = newName();
        create(topic, partitions, configs);
        return topic;
    }

    /** A topic for a transaction that hangs: its files differ on purpose, see deviations.ts. */
    String newTopicOfHanging() throws Exception {
        var topic = newName() + "-hanging";
        create(topic, 1);
        return topic;
    }

    private void create(String topic, int partitions, String... configs) throws Exception {
        var settings = new LinkedHashMap<String, String>();
        for (int n = 0; n < configs.length; n += 2) settings.put(configs[n], configs[n + 1]);
        get(admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1).configs(settings))).all());
        // Kafka's broker learns of a topic after its controller has answered.
        var asked = new LinkedHashMap<TopicPartition, OffsetSpec>();
        for (int n = 0; n < partitions; n += 1) asked.put(new TopicPartition(topic, n), OffsetSpec.earliest());
        until(() -> done(admin.listOffsets(asked).all()).equals("done"));
    }

    /**
     * Waits until the broker has done all that its controller has answered. Kafka's takes changes in order: once it
     * has a topic, it has taken all before that; once it has a second one, it is done with them.
     */
    void settle() throws Exception {
        newTopic(1);
        newTopic(1);
    }

    /** Waits for a condition; a case that waits too long fails. */
    static void until(Callable<Boolean> isSo) throws Exception {
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!isSo.call()) {
            if (System.nanoTime() > deadline) throw new TimeoutException();
            Thread.sleep(20);
        }
    }

    KafkaProducer<String, String> producer(String... settings) {
        return new KafkaProducer<>(common(settings));
    }

    static List<Object> send(KafkaProducer<String, String> producer, String topic, int partition, int count, int begin) {
        var sent = new ArrayList<Future<RecordMetadata>>();
        for (int n = begin; n < begin + count; n += 1)
            sent.add(producer.send(new ProducerRecord<>(topic, partition, EPOCH_MS + n, "key " + n, "value " + n)));
        producer.flush();
        var offsets = new ArrayList<>();
        for (var future : sent) offsets.add(outcome(() -> get(future).offset()));
        return offsets;
    }

    /** A new topic that the coordinator of groups knows as well: Kafka's learns of it later than others do. */
    String newTopicOfGroups(int partitions) throws Exception {
        var topic = newTopic(partitions);
        settle();
        return topic;
    }

    void fill(String topic, int count) {
        try (var producer = producer("linger.ms", LINGER_MS)) {
            send(producer, topic, 0, count, 0);
        }
    }

    KafkaConsumer<String, String> consumer(String... settings) {
        var properties = common(
            "auto.offset.reset", "earliest", "enable.auto.commit", "false", "fetch.max.wait.ms", "100",
            "session.timeout.ms", "6000", "heartbeat.interval.ms", "200");
        for (int n = 0; n < settings.length; n += 2) properties.put(settings[n], settings[n + 1]);
        return new KafkaConsumer<>(properties);
    }

    /** What a reader of these partitions gets up to their ends. */
    List<Object> read(String topic, int partitions, String... settings) {
        try (var consumer = consumer(settings)) {
            var assigned = new ArrayList<TopicPartition>();
            for (int n = 0; n < partitions; n += 1) assigned.add(new TopicPartition(topic, n));
            consumer.assign(assigned);
            consumer.seekToBeginning(assigned);
            var ends = consumer.endOffsets(assigned);
            var found = new ArrayList<>();
            var deadline = System.nanoTime() + PATIENCE.toNanos();
            while (System.nanoTime() < deadline
                && assigned.stream().anyMatch(each -> consumer.position(each) < ends.get(each)))
                for (var record : consumer.poll(Duration.ofMillis(100))) found.add(shown(record));
            // Partitions come in any order.
            found.sort((a, b) -> Integer.compare((int) ((List<?>) a).get(0), (int) ((List<?>) b).get(0)));
            return found;
        }
    }

    static Object shown(ConsumerRecord<String, String> record) {
        var headers = new ArrayList<>();
        for (var header : record.headers())
            headers.add(Arrays.asList(header.key(), header.value() == null ? null : new String(header.value())));
        var value = record.value();
        return Arrays.asList(
            record.partition(), record.offset(), record.key(),
            value != null && value.length() > 100 ? value.length() : value,
            record.timestamp() < EPOCH_MS + 1_000_000 ? record.timestamp() : "now",
            record.timestampType().name, record.leaderEpoch().orElse(-1), headers);
    }

    static <K, V> Map<K, V> map(K key, V value) {
        var map = new LinkedHashMap<K, V>();
        map.put(key, value);
        return map;
    }
}
