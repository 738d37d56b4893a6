import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.*;
import java.util.stream.Collectors;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.windowing.assigners.*;
import org.apache.flink.streaming.api.windowing.triggers.*;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.streaming.api.windowing.windows.Window;
import org.apache.flink.streaming.runtime.operators.windowing.WindowOperatorBuilder;
import org.apache.flink.util.Collector;

/** The windows of test/peers/flink: sums, and two streams side by side. */
@SuppressWarnings({"unchecked", "rawtypes"})
class FlinkWindows {
    static OneInputStreamOperator<Tuple3<String, Long, String>, String> sums(JsonNode one) {
        return builder(one).aggregate(new Sum(), new InWindow(), Types.LONG);
    }

    /** As Flink's coGroup, and its window join, make it: of one stream whose records know their side. */
    static OneInputStreamOperator<Tuple3<String, Long, String>, String> coGroup(JsonNode one) {
        return builder(one).apply(one.get("gives").asText().equals("pairs") ? new Pairs() : new Lists());
    }

    static WindowOperatorBuilder<Tuple3<String, Long, String>, String, Window> builder(JsonNode one) {
        var trigger = one.path("panes").asText().equals("discarding") ? PurgingTrigger.of(trigger(one)) : trigger(one);
        var builder = new WindowOperatorBuilder<Tuple3<String, Long, String>, String, Window>(
            (WindowAssigner) assigner(one), (Trigger) trigger, new ExecutionConfig(), FlinkCases.RECORD, FlinkCases.KEY, Types.STRING);
        builder.allowedLateness(Duration.ofMillis(one.get("lateness").asLong()));
        builder.sideOutputLateData(FlinkCases.LATE);
        return builder;
    }

    static WindowAssigner<?, ? extends Window> assigner(JsonNode one) {
        long size = one.get("size").asLong();
        var length = Duration.ofMillis(size);
        var gap = length.plusMillis(1);
        SessionWindowTimeGapExtractor<Tuple3<String, Long, String>> ownGap = record -> 1 + (record.f1 % 2 == 1 ? 2 : 1) * size;
        var advance = Duration.ofMillis(one.get("advance").asLong());
        var offset = Duration.ofMillis(one.get("offset").asLong());
        boolean byClock = one.get("time").asText().equals("processing");
        return switch (one.get("kind").asText()) {
            case "tumbling" -> byClock ? TumblingProcessingTimeWindows.of(length, offset) : TumblingEventTimeWindows.of(length, offset);
            case "hopping" -> byClock ? SlidingProcessingTimeWindows.of(length, advance, offset) : SlidingEventTimeWindows.of(length, advance, offset);
            case "global" -> GlobalWindows.create();
            case "session" -> new Sessions(byClock ? ProcessingTimeSessionWindows.withGap(gap) : EventTimeSessionWindows.withGap(gap));
            default -> new Sessions(byClock ? ProcessingTimeSessionWindows.withDynamicGap(ownGap) : EventTimeSessionWindows.withDynamicGap(ownGap));
        };
    }

    /**
     * Flink's session ends 1 ms before a whole gap has passed, although a record at that time joins it. With a gap that is 1 ms
     * longer it ends as in millrace; those that only touch are no longer merged.
     */
    static class Sessions extends MergingWindowAssigner<Object, TimeWindow> {
        final MergingWindowAssigner<Object, TimeWindow> assigner;

        Sessions(MergingWindowAssigner assigner) {
            this.assigner = assigner;
        }

        public Collection<TimeWindow> assignWindows(Object element, long timestamp, WindowAssignerContext context) {
            return assigner.assignWindows(element, timestamp, context);
        }

        public Trigger<Object, TimeWindow> getDefaultTrigger() {
            return assigner.getDefaultTrigger();
        }

        public TypeSerializer<TimeWindow> getWindowSerializer(ExecutionConfig config) {
            return assigner.getWindowSerializer(config);
        }

        public boolean isEventTime() {
            return assigner.isEventTime();
        }

        public void mergeWindows(Collection<TimeWindow> windows, MergeCallback<TimeWindow> callback) {
            assigner.mergeWindows(longer(windows, -1), (merged, result) -> callback.merge(longer(merged, 1), longer(result, 1)));
        }

        static List<TimeWindow> longer(Collection<TimeWindow> windows, long by) {
            return windows.stream().map(each -> longer(each, by)).collect(Collectors.toCollection(ArrayList::new));
        }

        static TimeWindow longer(TimeWindow window, long by) {
            return new TimeWindow(window.getStart(), window.getEnd() + by);
        }
    }

    static Trigger<Object, TimeWindow> trigger(JsonNode one) {
        if (one.get("kind").asText().equals("global")) return (Trigger) early(one.get("emit"));
        var byTime = (Trigger<Object, TimeWindow>) (Trigger) (one.get("time").asText().equals("processing") ? ProcessingTimeTrigger.create() : EventTimeTrigger.create());
        var emit = one.get("emit");
        if (!emit.isObject()) return byTime;
        boolean knowsEnd = emit.path("time").asText().equals("event");
        return knowsEnd ? (Trigger) early(emit) : new WithEarly(byTime, (Trigger) early(emit));
    }

    /** What fires before a window ends. */
    static Trigger<Object, ? extends Window> early(JsonNode emit) {
        if (emit.has("everyRecords")) return CountTrigger.of(emit.get("everyRecords").asLong());
        var interval = Duration.ofMillis(emit.get("early").asLong());
        return emit.get("time").asText().equals("event") ? ContinuousEventTimeTrigger.of(interval) : ContinuousProcessingTimeTrigger.of(interval);
    }

    static class Sum implements AggregateFunction<Tuple3<String, Long, String>, Long, Long> {
        public Long createAccumulator() {
            return 0L;
        }

        public Long add(Tuple3<String, Long, String> record, Long sum) {
            return sum + record.f1;
        }

        public Long getResult(Long sum) {
            return sum;
        }

        public Long merge(Long a, Long b) {
            return a + b;
        }
    }

    /** A global window lasts until the last date. */
    static String named(String key, Window window) {
        return key + (window instanceof TimeWindow bounds ? ": [" + bounds.getStart() + "," + bounds.maxTimestamp() + "] " : ": [0,8640000000000000] ");
    }

    static class InWindow implements WindowFunction<Long, String, String, Window> {
        public void apply(String key, Window window, Iterable<Long> sums, Collector<String> out) {
            out.collect(named(key, window) + sums.iterator().next());
        }
    }

    static List<Long> valuesOf(String side, Iterable<Tuple3<String, Long, String>> records) {
        var values = new ArrayList<Long>();
        for (var record : records) if (record.f2.equals(side)) values.add(record.f1);
        return values;
    }

    static class Lists implements WindowFunction<Tuple3<String, Long, String>, String, String, Window> {
        public void apply(String key, Window window, Iterable<Tuple3<String, Long, String>> records, Collector<String> out) {
            out.collect(named(key, window) + valuesOf("left", records) + valuesOf("right", records));
        }
    }

    static class Pairs implements WindowFunction<Tuple3<String, Long, String>, String, String, Window> {
        public void apply(String key, Window window, Iterable<Tuple3<String, Long, String>> records, Collector<String> out) {
            for (var left : valuesOf("left", records)) for (var right : valuesOf("right", records)) out.collect(named(key, window) + (left * 100 + right));
        }
    }

    /** A trigger by time, and another one before that; a count is that of the records since the last result. */
    static class WithEarly extends Trigger<Object, TimeWindow> {
        final Trigger<Object, TimeWindow> byTime;
        final Trigger<Object, TimeWindow> early;

        WithEarly(Trigger<Object, TimeWindow> byTime, Trigger<?, TimeWindow> early) {
            this.byTime = byTime;
            this.early = (Trigger) early;
        }

        @Override
        public TriggerResult onElement(Object element, long timestamp, TimeWindow window, TriggerContext context) throws Exception {
            var result = byTime.onElement(element, timestamp, window, context);
            return result.isFire() ? result : early.onElement(element, timestamp, window, context);
        }

        @Override
        public TriggerResult onEventTime(long time, TimeWindow window, TriggerContext context) throws Exception {
            return either(byTime.onEventTime(time, window, context), early.onEventTime(time, window, context), window, context);
        }

        @Override
        public TriggerResult onProcessingTime(long time, TimeWindow window, TriggerContext context) throws Exception {
            return either(byTime.onProcessingTime(time, window, context), early.onProcessingTime(time, window, context), window, context);
        }

        private TriggerResult either(TriggerResult one, TriggerResult other, TimeWindow window, TriggerContext context) throws Exception {
            if (one.isFire() && early instanceof CountTrigger) early.clear(window, context);
            return one.isFire() ? one : other;
        }

        @Override
        public void clear(TimeWindow window, TriggerContext context) throws Exception {
            byTime.clear(window, context);
            early.clear(window, context);
        }

        @Override
        public boolean canMerge() {
            return true;
        }

        @Override
        public void onMerge(TimeWindow window, OnMergeContext context) throws Exception {
            byTime.onMerge(window, context);
            early.onMerge(window, context);
        }
    }
}
