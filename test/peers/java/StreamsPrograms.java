import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.*;
import java.util.function.*;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.errors.StreamsException;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.*;

/**
 * Runs the programs of test/peers/operators in Kafka Streams' TopologyTestDriver. Each line of its input is a program with
 * its steps, as JSON; each line that it prints is what the steps give.
 */
public class StreamsPrograms {
    static final String BEAT = "~";

    public static void main(String[] arguments) throws Exception {
        Requests.answerAll(run -> answers(run, arguments[0]));
    }

    static List<Map<String, List<String>>> answers(JsonNode run, String stateFolder) {
        var config = new Properties();
        config.put("application.id", "programs");
        config.put("bootstrap.servers", "none:1");
        config.put("state.dir", stateFolder);
        config.put("statestore.cache.max.bytes", "0");
        config.put("dsl.store.suppliers.class", StreamsDifferences.Stores.class);
        config.put("default.key.serde", Serdes.StringSerde.class);
        config.put("default.value.serde", Serdes.LongSerde.class);
        // It would emit once a second of the wall clock, which stands still here.
        config.put("__emit.interval.ms.kstreams.outer.join.spurious.results.fix__", 0L);
        var answers = new ArrayList<Map<String, List<String>>>();
        try (var driver = new TopologyTestDriver(new Built(run.get("program")).topology(), config)) {
            var inputs = new HashMap<String, TestInputTopic<String, Long>>();
            var outputs = new LinkedHashMap<String, TestOutputTopic<String, Long>>();
            for (var output : run.get("program").get("outputs"))
                outputs.put("out-" + output, driver.createOutputTopic("out-" + output, new StringDeserializer(), new LongDeserializer()));
            for (var step : run.get("steps")) {
                for (var record : step) try {
                    inputs.computeIfAbsent(record.get("topic").asText(), name -> driver.createInputTopic(name, new StringSerializer(), new LongSerializer()))
                        .pipeInput(textOf(record.get("key")), numberOf(record.get("value")), record.get("timestamp").asLong());
                } catch (StreamsException error) {
                    if (StreamsDifferences.isFull(error)) return answers;
                    throw error;
                }
                var answer = new LinkedHashMap<String, List<String>>();
                outputs.forEach((name, output) -> {
                    var records = output.readRecordsToList().stream().map(each -> each.key() + "=" + each.value() + "@" + each.timestamp()).toList();
                    if (!records.isEmpty()) answer.put(name, records);
                });
                answers.add(answer);
            }
        }
        return answers;
    }

    static String textOf(JsonNode node) {
        return node.isNull() ? null : node.asText();
    }

    static Long numberOf(JsonNode node) {
        return node.isNull() ? null : node.asLong();
    }

    static boolean isBeat(String key) {
        return key != null && (key.equals(BEAT) || key.startsWith(BEAT + "@"));
    }

    /** The functions of program.ts. */
    static boolean keep(Long value, String key, int n) {
        return isBeat(key) || (value == null ? n % 2 == 0 : value % n != 0);
    }

    static Long value(Long value, String key, int n) {
        return isBeat(key) || value == null ? value : value % 7 == n ? null : Long.valueOf((value * 3 + n) % 100);
    }

    static String key(Long value, String key, int n) {
        return isBeat(key) || value == null ? key : value % 9 == 8 ? null : "" + "abcd".charAt((int) ((value + n) % 4));
    }

    static List<Long> values(Long value, String key, int n) {
        if (isBeat(key)) return Collections.singletonList(value);
        var values = new ArrayList<Long>();
        if (value != null) for (long i = 0; i < (value + n) % 3; i++) values.add(value + i);
        return values;
    }

    static Long add(Long folded, Long value, int n) {
        return orNull((folded * 7 + value) % 9973, n);
    }

    static Long subtract(Long folded, Long value, int n) {
        return orNull((folded * 7 + value + 3) % 9973, n);
    }

    static Long merge(Long left, Long right) {
        return left == 0 ? right : right == 0 ? left : Long.valueOf((left * 5 + right) % 9973);
    }

    static Long join(String key, Long left, Long right, int n) {
        if (isBeat(key)) return left == null ? right : left;
        return orNull(((left == null ? 50 : left) * 3 + (right == null ? 60 : right)) % 100, n);
    }

    static Long orNull(long result, int n) {
        return result % 10 == n ? null : Long.valueOf(result);
    }

    /** A program as a topology. */
    static class Built {
        final StreamsBuilder builder = new StreamsBuilder();
        final List<Object> made = new ArrayList<>();
        /** By table, the same with its history. */
        final Map<Object, KTable<String, Long>> histories = new IdentityHashMap<>();
        GlobalKTable<String, Long> global;
        final JsonNode program;

        Built(JsonNode program) {
            this.program = program;
        }

        Topology topology() {
            for (var operation : program.get("operations")) made.add(make(operation));
            for (var output : program.get("outputs")) {
                var result = made.get(output.asInt());
                (result instanceof KTable<?, ?> table ? StreamsDifferences.changes((KTable<String, Long>) table) : (KStream<String, Long>) result).to("out-" + output);
            }
            return builder.build();
        }

        KStream<String, Long> stream(JsonNode operation, String side) {
            return (KStream<String, Long>) made.get(operation.get(side).asInt());
        }

        KTable<String, Long> table(JsonNode operation, String side) {
            return (KTable<String, Long>) made.get(operation.get(side).asInt());
        }

        /**
         * What tables are made of. A deletion of a row that never was would give a result of its other side again, and a
         * new aggregate would take its initial value from a group that never had it.
         */
        KTable<String, Long> rows(JsonNode operation, String side) {
            return StreamsDifferences.changes(table(operation, side)).toTable();
        }

        /** A side of a join of tables. An inner one drops what is older than a row, and needs no more than its history. */
        KTable<String, Long> sideOf(JsonNode operation, String side) {
            var history = histories.get(table(operation, side));
            return history != null && operation.get("op").asText().equals("join") ? history : rows(operation, side);
        }

        Object make(JsonNode operation) {
            int n = operation.path("n").asInt();
            String op = operation.get("op").asText();
            switch (operation.get("on").asText()) {
                case "topic": return topic(operation, op);
                case "stream": return ofStream(stream(operation, "of"), op, n);
                case "table": return ofTable(operation, op, n);
                case "grouped stream": return folded(stream(operation, "of").groupByKey(), op, n);
                case "grouped table": return foldedTable(rows(operation, "of"), op, n);
                case "stream and table": return joined(stream(operation, "of"), table(operation, "with"), op, n);
                case "stream and history": return asOf(operation, op, n);
                case "stream and global": return joinedGlobally(stream(operation, "of"), op, n);
                case "streams": return op.equals("merge")
                    ? stream(operation, "of").merge(stream(operation, "with"))
                    : cogrouped(stream(operation, "of"), stream(operation, "with"), n).aggregate(() -> 0L);
                case "joined streams": return joined(operation, op, n);
                case "tables": return joined(sideOf(operation, "of"), sideOf(operation, "with"), op, n);
                case "referring tables": return referring(operation, op, n);
                case "suppressed": return suppressed(operation);
                default: return windows(operation, op, n);
            }
        }

        Object topic(JsonNode operation, String op) {
            String topic = operation.get("topic").asText();
            if (op.equals("stream")) return builder.stream(topic);
            if (op.equals("table")) return builder.table(topic);
            // Unlike Kafka Streams, millrace forwards no change that is older than the row.
            var changes = StreamsDifferences.withoutLate(builder.<String, Long>stream(topic), graceOf(operation));
            var table = StreamsDifferences.latest(changes).toTable();
            var supplier = Stores.persistentVersionedKeyValueStore("history", Duration.ofDays(1));
            histories.put(table, changes.toTable(Materialized.<String, Long>as(supplier).withLoggingDisabled()));
            return table;
        }

        /** Kafka Streams knows one lateness: that of the topic, and what an operator allows beyond it. */
        long graceOf(JsonNode operation) {
            return program.get("outOfOrderness").asLong() + operation.get("lateness").asLong();
        }

        static Object ofStream(KStream<String, Long> stream, String op, int n) {
            switch (op) {
                case "filter": return stream.filter((k, v) -> keep(v, k, n));
                case "filterNot": return stream.filterNot((k, v) -> !keep(v, k, n));
                case "mapValues": return stream.mapValues((k, v) -> value(v, k, n));
                case "flatMapValues": return stream.flatMapValues((k, v) -> values(v, k, n));
                case "selectKey": return stream.selectKey((k, v) -> key(v, k, n));
                case "map": return stream.map((k, v) -> KeyValue.pair(key(v, k, n), value(v, k, n)));
                case "flatMap": return stream.flatMap((k, v) -> values(v, k, n).stream().map(each -> KeyValue.pair(key(each, k, n), each)).toList());
                case "split": return stream.split().branch((k, v) -> !keep(v, k, n)).defaultBranch(Branched.as("kept")).entrySet().stream().filter(each -> each.getKey().endsWith("kept")).findFirst().get().getValue();
                // Whether records without a key are dropped here depends on what follows; millrace keeps them.
                case "repartition": return stream.filter((k, v) -> k != null).repartition();
                default: return stream.toTable();
            }
        }

        Object ofTable(JsonNode operation, String op, int n) {
            var table = table(operation, "of");
            if (op.equals("toStream")) return StreamsDifferences.changes(table);
            var result = rowsOf(table, op, n);
            if (histories.containsKey(table)) histories.put(result, rowsOf(histories.get(table), op, n));
            return result;
        }

        static KTable<String, Long> rowsOf(KTable<String, Long> table, String op, int n) {
            switch (op) {
                case "filter": return table.filter((k, v) -> keep(v, k, n));
                case "filterNot": return table.filterNot((k, v) -> !keep(v, k, n));
                default: return table.mapValues((k, v) -> value(v, k, n));
            }
        }

        static KStream<String, Long> joined(KStream<String, Long> stream, KTable<String, Long> table, String op, int n) {
            ValueJoinerWithKey<String, Long, Long, Long> joiner = (k, a, b) -> join(k, a, b, n);
            return op.equals("join") ? stream.join(table, joiner) : stream.leftJoin(table, joiner);
        }

        KStream<String, Long> joinedGlobally(KStream<String, Long> stream, String op, int n) {
            if (global == null) global = builder.globalTable("g");
            KeyValueMapper<String, Long, String> key = (k, v) -> key(v, k, n);
            ValueJoinerWithKey<String, Long, Long, Long> joiner = (k, a, b) -> join(k, a, b, n);
            return op.equals("join") ? stream.join(global, key, joiner) : stream.leftJoin(global, key, joiner);
        }

        /** Millrace waits 1 ms longer for changes of the table: those of the time of the record itself count. */
        KStream<String, Long> asOf(JsonNode operation, String op, int n) {
            long grace = graceOf(operation);
            long past = grace + operation.get("history").asLong();
            var stream = stream(operation, "of");
            var remembered = StreamsDifferences.withoutLate(stream, past);
            var history = histories.get(made.get(operation.get("with").asInt()));
            var patient = Joined.<String, Long, Long>with(Serdes.String(), Serdes.Long(), Serdes.Long()).withGracePeriod(Duration.ofMillis(grace + 1));
            ValueJoinerWithKey<String, Long, Long, Long> joiner = (k, a, b) -> join(k, a, b, n);
            if (op.equals("join")) return remembered.join(history, joiner, patient);
            // Kafka Streams fails at a record without a key.
            var alone = StreamsDifferences.late(stream, past).merge(stream.filter((k, v) -> k == null)).filter((k, v) -> v != null);
            return remembered.filter((k, v) -> k != null).leftJoin(history, joiner, patient).merge(alone.mapValues((k, v) -> join(k, v, null, n)));
        }

        /**
         * Kafka Streams lets a change go at the limit, millrace once it has passed. It replaces what has gone out before; in
         * Kafka Streams, what the last change replaced.
         */
        KTable<String, Long> suppressed(JsonNode operation) {
            long limit = program.get("outOfOrderness").asLong() + operation.get("limit").asLong() + 1;
            var bound = operation.get("bound");
            var config = bound.has("whenFull") ? Suppressed.BufferConfig.maxRecords(bound.get("maxRecords").asLong()).shutDownWhenFull()
                : bound.has("maxRecords") ? Suppressed.BufferConfig.maxRecords(bound.get("maxRecords").asLong())
                : bound.has("maxBytes") ? Suppressed.BufferConfig.maxBytes(bound.get("maxBytes").asLong())
                : Suppressed.BufferConfig.unbounded();
            return rows(operation, "of").suppress(Suppressed.untilTimeLimit(Duration.ofMillis(limit), config)).toStream().toTable();
        }

        KStream<String, Long> joined(JsonNode operation, String op, int n) {
            long grace = graceOf(operation);
            var left = StreamsDifferences.withoutLate(stream(operation, "of"), grace);
            var right = StreamsDifferences.withoutLate(stream(operation, "with"), grace);
            var before = Duration.ofMillis(operation.get("before").asLong());
            var after = Duration.ofMillis(operation.get("after").asLong());
            // Their sum must not be negative, at any time.
            var windows = JoinWindows.ofTimeDifferenceAndGrace(Duration.ofDays(1), Duration.ofMillis(grace)).before(before).after(after);
            ValueJoinerWithKey<String, Long, Long, Long> joiner = (k, a, b) -> join(k, a, b, n);
            return op.equals("join") ? left.join(right, joiner, windows) : op.equals("leftJoin") ? left.leftJoin(right, joiner, windows) : left.outerJoin(right, joiner, windows);
        }

        static KTable<String, Long> joined(KTable<String, Long> left, KTable<String, Long> right, String op, int n) {
            ValueJoiner<Long, Long, Long> joiner = (a, b) -> join(null, a, b, n);
            return op.equals("join") ? left.join(right, joiner) : op.equals("leftJoin") ? left.leftJoin(right, joiner) : left.outerJoin(right, joiner);
        }

        KTable<String, Long> referring(JsonNode operation, String op, int n) {
            BiFunction<String, Long, String> foreignKey = (k, v) -> key(v, k, n);
            ValueJoiner<Long, Long, Long> joiner = (a, b) -> join(null, a, b, n);
            var left = sideOf(operation, "of");
            var right = sideOf(operation, "with");
            var joined = op.equals("join") ? left.join(right, foreignKey, joiner) : left.leftJoin(right, foreignKey, joiner);
            return StreamsDifferences.ofBothRows(rows(operation, "of"), foreignKey, joined).toTable();
        }

        static KTable<String, Long> folded(KGroupedStream<String, Long> grouped, String op, int n) {
            switch (op) {
                case "count": return grouped.count();
                case "reduce": return grouped.reduce((a, v) -> add(a, v, n));
                default: return grouped.aggregate(() -> 0L, (k, v, a) -> add(a, v, n));
            }
        }

        static KTable<String, Long> foldedTable(KTable<String, Long> table, String op, int n) {
            var grouped = table.groupBy((k, v) -> KeyValue.pair(key(v, k, n), v));
            switch (op) {
                case "count": return grouped.count();
                case "reduce": return grouped.reduce((a, v) -> add(a, v, n), (a, v) -> subtract(a, v, n));
                default: return grouped.aggregate(() -> 0L, (k, v, a) -> add(a, v, n), (k, v, a) -> subtract(a, v, n));
            }
        }

        CogroupedKStream<String, Long> cogrouped(KStream<String, Long> left, KStream<String, Long> right, int n) {
            // Without names, the exchanges of two sides have one.
            return left.groupByKey(Grouped.as("left-" + made.size())).<Long>cogroup((k, v, a) -> add(a, v, n))
                .cogroup(right.groupByKey(Grouped.as("right-" + made.size())), (k, v, a) -> add(a, v + 1, n));
        }

        KTable<String, Long> windows(JsonNode operation, String op, int n) {
            boolean isFinal = operation.get("emit").asText().equals("final");
            boolean isLateByItself = operation.get("isLateByItself").asBoolean();
            long grace = graceOf(operation);
            var left = StreamsDifferences.forWindows(stream(operation, "of"), isLateByItself, grace);
            var right = operation.has("with") ? StreamsDifferences.forWindows(stream(operation, "with"), isLateByItself, grace) : null;
            // Kafka Streams fires sliding windows and sessions while a record of their last instant may still come.
            var patience = Duration.ofMillis(grace + (isFinal && isLateByItself ? 1 : 0));
            var size = Duration.ofMillis(operation.get("size").asLong());
            var results = switch (operation.get("kind").asText()) {
                case "global" -> right == null
                    ? folded(left.groupByKey().windowedBy(UnlimitedWindows.of()), op, n, Materialized.with(Serdes.String(), Serdes.Long()))
                    : cogrouped(left, right, n).windowedBy(UnlimitedWindows.of()).aggregate(() -> 0L, Materialized.with(Serdes.String(), Serdes.Long()));
                case "session" -> inSessions(left, right, SessionWindows.ofInactivityGapAndGrace(size, patience), op, n);
                case "sliding" -> {
                    var windows = SlidingWindows.ofTimeDifferenceAndGrace(size, patience);
                    var stored = stored(patience.plus(size.multipliedBy(2)));
                    yield right == null
                        ? folded(left.groupByKey().windowedBy(windows), op, n, stored)
                        : cogrouped(left, right, n).windowedBy(windows).aggregate(() -> 0L, stored);
                }
                default -> {
                    var windows = TimeWindows.ofSizeAndGrace(size, patience).advanceBy(Duration.ofMillis(operation.get("advance").asLong()));
                    var stored = stored(patience.plus(size));
                    yield right == null
                        ? folded(left.groupByKey().windowedBy(windows), op, n, stored)
                        : cogrouped(left, right, n).windowedBy(windows).aggregate(() -> 0L, stored);
                }
            };
            if (isFinal) results = results.suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()));
            String kind = operation.get("kind").asText();
            boolean isSession = kind.equals("session");
            boolean isSliding = kind.equals("sliding");
            boolean mayDelete = !op.equals("count") && n < 10;
            var changes = isSession && !mayDelete ? StreamsDifferences.sessions(results) : StreamsDifferences.changes(results);
            if (isSliding) changes = StreamsDifferences.once(changes);
            // A session ends a gap after its last record, and a global window with the last date.
            long gap = isSession ? operation.get("size").asLong() : 0;
            Function<Windowed<String>, Long> end = k -> Math.min(k.window().end(), 8_640_000_000_000_001L) + gap;
            if (isFinal) changes = StreamsDifferences.atTime(changes, k -> end.apply(k) - (isSession || isSliding ? 0 : 1));
            return StreamsDifferences.named(changes, k -> k.key() + "@" + k.window().start() + "-" + end.apply(k)).toTable(Materialized.with(Serdes.String(), Serdes.Long()));
        }

        static KTable<Windowed<String>, Long> folded(TimeWindowedKStream<String, Long> windowed, String op, int n, Materialized<String, Long, WindowStore<Bytes, byte[]>> stored) {
            switch (op) {
                case "count": return windowed.count(stored);
                case "reduce": return windowed.reduce((a, v) -> add(a, v, n), stored);
                default: return windowed.aggregate(() -> 0L, (k, v, a) -> add(a, v, n), stored);
            }
        }

        /** By default, a store forgets its entries 1 ms before they are closed. */
        static Materialized<String, Long, WindowStore<Bytes, byte[]>> stored(Duration open) {
            return Materialized.<String, Long, WindowStore<Bytes, byte[]>>with(Serdes.String(), Serdes.Long()).withRetention(open.plusMillis(1));
        }

        KTable<Windowed<String>, Long> inSessions(KStream<String, Long> left, KStream<String, Long> right, SessionWindows windows, String op, int n) {
            var retention = Duration.ofMillis(windows.inactivityGap() + windows.gracePeriodMs() + 1);
            var stored = Materialized.<String, Long, SessionStore<Bytes, byte[]>>with(Serdes.String(), Serdes.Long()).withRetention(retention);
            Merger<String, Long> merger = (k, a, b) -> merge(a, b);
            if (right != null) return cogrouped(left, right, n).windowedBy(windows).aggregate(() -> 0L, merger, stored);
            var windowed = left.groupByKey().windowedBy(windows);
            switch (op) {
                case "count": return windowed.count(stored);
                case "reduce": return windowed.reduce((a, v) -> add(a, v, n), stored);
                default: return windowed.aggregate(() -> 0L, (k, v, a) -> add(a, v, n), merger, stored);
            }
        }
    }
}
