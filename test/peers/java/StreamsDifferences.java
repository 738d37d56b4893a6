import java.util.*;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.processor.api.*;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.*;

/**
 * Where millrace differs from Kafka Streams on purpose (docs/operators.md, docs/time.md): operators in front of Kafka
 * Streams' own and behind them, which give what millrace should give.
 */
class StreamsDifferences {
    /** The values of state live as long as a processor. */
    interface Passes<K> {
        /** The record that goes on; null for none. */
        FixedKeyRecord<K, Long> next(FixedKeyRecord<K, Long> record);
    }

    private static <K> KStream<K, Long> through(KStream<K, Long> stream, Passes<K> passes) {
        return throughMany(stream, (record, context) -> {
            var next = passes.next(record);
            return next == null ? List.of() : List.of(next);
        });
    }

    private static <K> KStream<K, Long> throughMany(KStream<K, Long> stream, BiFunction<FixedKeyRecord<K, Long>, FixedKeyProcessorContext<K, Long>, List<FixedKeyRecord<K, Long>>> passes) {
        return stream.processValues(() -> new FixedKeyProcessor<K, Long, Long>() {
            FixedKeyProcessorContext<K, Long> context;

            @Override
            public void init(FixedKeyProcessorContext<K, Long> context) {
                this.context = context;
            }

            @Override
            public void process(FixedKeyRecord<K, Long> record) {
                passes.apply(record, context).forEach(context::forward);
            }
        });
    }

    /** Whether a suppression holds more than its bound. */
    static boolean isFull(Throwable error) {
        return error != null && (String.valueOf(error.getMessage()).contains("exceeded its max capacity") || isFull(error.getCause()));
    }

    /** Millrace gives no deletion of a row that never was. */
    static <K> KStream<K, Long> changes(KTable<K, Long> table) {
        var known = new HashSet<K>();
        return through(table.toStream(), record ->
            (record.value() == null ? known.remove(record.key()) : known.add(record.key()) || true) ? record : null);
    }

    /** The keys of windows as text, which needs no exchange. */
    @SuppressWarnings("unchecked")
    static KStream<String, Long> named(KStream<Windowed<String>, Long> results, Function<Windowed<String>, String> nameOf) {
        return (KStream<String, Long>) (KStream<?, Long>) through((KStream<Object, Long>) (KStream<?, Long>) results, record ->
            InternalFixedKeyRecordFactory.create(new Record<>(nameOf.apply((Windowed<String>) record.key()), record.value(), record.timestamp(), record.headers())));
    }

    /** A final result has the last instant of its window. */
    static KStream<Windowed<String>, Long> atTime(KStream<Windowed<String>, Long> results, Function<Windowed<String>, Long> timeOf) {
        return through(results, record -> record.withTimestamp(timeOf.apply(record.key())));
    }

    /**
     * The changes of sessions that have a value. One is not taken back if the next result has its bounds: the last
     * result of each record is that of the session which took it.
     */
    static KStream<Windowed<String>, Long> sessions(KTable<Windowed<String>, Long> table) {
        var gone = new LinkedHashMap<Windowed<String>, FixedKeyRecord<Windowed<String>, Long>>();
        return throughMany(table.toStream(), (record, context) -> {
            var key = record.key();
            if (record.value() == null) {
                gone.put(key, record);
                return List.of();
            }
            gone.remove(key);
            var changes = new ArrayList<>(gone.values());
            gone.clear();
            changes.add(record);
            return changes;
        });
    }

    /** Kafka Streams gives the result of a sliding window twice if it ends at the record and starts right after another one. */
    static KStream<Windowed<String>, Long> once(KStream<Windowed<String>, Long> results) {
        var last = new HashMap<Windowed<String>, List<Object>>();
        return throughMany(results, (record, context) -> {
            var result = List.<Object>of(record.value(), record.timestamp(), context.recordMetadata().get().offset());
            return result.equals(last.put(record.key(), result)) ? List.of() : List.of(record);
        });
    }

    /** Null values are skipped in windows, too. Those that depend on other records know late ones by their own time. */
    static KStream<String, Long> forWindows(KStream<String, Long> stream, boolean isLateByItself, long grace) {
        var records = stream.filter((k, v) -> v != null);
        return isLateByItself ? withoutLate(records, grace) : records;
    }

    /** A record is late by its own time. One without a key is never late for a join. */
    static KStream<String, Long> withoutLate(KStream<String, Long> stream, long grace) {
        return judged(stream, grace, false);
    }

    static KStream<String, Long> late(KStream<String, Long> stream, long grace) {
        return judged(stream, grace, true);
    }

    private static KStream<String, Long> judged(KStream<String, Long> stream, long grace, boolean late) {
        long[] streamTime = {Long.MIN_VALUE};
        return through(stream, record -> {
            streamTime[0] = Math.max(streamTime[0], record.timestamp());
            boolean isLate = record.key() != null && record.timestamp() + grace < streamTime[0];
            return isLate == late ? record : null;
        });
    }

    /** A table with history gives no change that is older than the row. */
    static KStream<String, Long> latest(KStream<String, Long> changes) {
        var times = new HashMap<String, Long>();
        return through(changes, record ->
            times.merge(record.key(), record.timestamp(), Math::max) == record.timestamp() ? record : null);
    }

    /**
     * A result of a foreign-key join has the later time of its two rows; Kafka Streams gives it that of the other row's
     * change. If the row is deleted, or refers to none, it has that row's time; Kafka Streams may give it a later one of
     * the row that it referred to before.
     */
    static KStream<String, Long> ofBothRows(KTable<String, Long> rows, BiFunction<String, Long, String> foreignKey, KTable<String, Long> joined) {
        var times = new HashMap<String, Long>();
        var alone = new HashSet<String>();
        through(rows.toStream(), row -> {
            times.put(row.key(), row.timestamp());
            if (row.value() == null || foreignKey.apply(row.key(), row.value()) == null) alone.add(row.key());
            else alone.remove(row.key());
            return null;
        });
        return through(joined.toStream(), result -> {
            long time = times.get(result.key());
            return result.withTimestamp(alone.contains(result.key()) ? time : Math.max(time, result.timestamp()));
        });
    }

    /** Nothing of a join is lost to the retention of its stores, which is too short if a bound is 0 or less. */
    public static class Stores extends BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers {
        @Override
        public WindowBytesStoreSupplier windowStore(DslWindowParams join) {
            if (!join.retainDuplicates()) return super.windowStore(join);
            return org.apache.kafka.streams.state.Stores.inMemoryWindowStore(
                join.name(), join.retentionPeriod().plusDays(1), join.windowSize(), true);
        }
    }
}
