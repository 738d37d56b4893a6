import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.*;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.ExecutionConfig;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.operators.co.IntervalJoinOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.api.windowing.assigners.*;
import org.apache.flink.streaming.api.windowing.triggers.*;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.streaming.runtime.operators.windowing.WindowOperatorBuilder;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Runs the cases of test/peers/flink in the harnesses of Flink's own tests. */
public class FlinkCases {
    static final OutputTag<Tuple2<String, Long>> LATE = new OutputTag<>("late", Types.TUPLE(Types.STRING, Types.LONG));

    public static void main(String[] arguments) throws Exception {
        Requests.answerAll(FlinkCases::answers);
    }

    record Answer(List<String> results, List<String> late) {}

    /** An operator under test. */
    interface Run extends AutoCloseable {
        AbstractStreamOperatorTestHarness<String> harness();

        void process(String side, StreamRecord<Tuple2<String, Long>> record) throws Exception;

        /** Of all inputs. */
        void advanceTo(long watermark) throws Exception;

        @Override
        default void close() throws Exception {
            harness().close();
        }
    }

    static List<Answer> answers(JsonNode one) throws Exception {
        var answers = new ArrayList<Answer>();
        try (var run = runOf(one)) {
            run.harness().open();
            long latest = Long.MIN_VALUE;
            for (var input : one.get("inputs")) {
                long timestamp = input.get("timestamp").asLong();
                run.process(input.get("side").asText(), new StreamRecord<>(Tuple2.of(input.get("key").asText(), input.get("value").asLong()), timestamp));
                // Flink's watermark says that no record comes at its own time either.
                if (timestamp > latest) run.advanceTo(timestamp - one.get("outOfOrderness").asLong() - 1);
                latest = Math.max(latest, timestamp);
                answers.add(taken(run.harness()));
            }
            run.advanceTo(Long.MAX_VALUE);
            answers.add(taken(run.harness()));
        }
        return answers;
    }

    static Run runOf(JsonNode one) throws Exception {
        switch (one.get("operator").asText()) {
            case "windows": return ofOne(windows(one));
            case "timers": return ofOne(new KeyedOneInputStreamOperatorTestHarness<>(new KeyedProcessOperator<>(new SumUntilTimer()), record -> record.f0, Types.STRING));
            default: return ofTwo(intervalJoin(one));
        }
    }

    static Run ofOne(KeyedOneInputStreamOperatorTestHarness<String, Tuple2<String, Long>, String> harness) {
        return new Run() {
            public AbstractStreamOperatorTestHarness<String> harness() {
                return harness;
            }

            public void process(String side, StreamRecord<Tuple2<String, Long>> record) throws Exception {
                harness.processElement(record);
            }

            public void advanceTo(long watermark) throws Exception {
                harness.processWatermark(watermark);
            }
        };
    }

    static Run ofTwo(KeyedTwoInputStreamOperatorTestHarness<String, Tuple2<String, Long>, Tuple2<String, Long>, String> harness) {
        return new Run() {
            public AbstractStreamOperatorTestHarness<String> harness() {
                return harness;
            }

            public void process(String side, StreamRecord<Tuple2<String, Long>> record) throws Exception {
                if (side.equals("left")) harness.processElement1(record);
                else harness.processElement2(record);
            }

            public void advanceTo(long watermark) throws Exception {
                harness.processWatermark1(new Watermark(watermark));
                harness.processWatermark2(new Watermark(watermark));
            }
        };
    }

    static Answer taken(AbstractStreamOperatorTestHarness<String> harness) {
        var results = new ArrayList<String>();
        for (var each : harness.getOutput()) if (each instanceof StreamRecord<?> record) results.add(record.getValue() + " @" + record.getTimestamp());
        harness.getOutput().clear();
        var late = new ArrayList<String>();
        var side = harness.getSideOutput(LATE);
        while (side != null && !side.isEmpty()) {
            var record = side.poll();
            late.add(record.getValue().f0 + " " + record.getValue().f1 + " @" + record.getTimestamp());
        }
        return new Answer(results, late);
    }

    static KeyedTwoInputStreamOperatorTestHarness<String, Tuple2<String, Long>, Tuple2<String, Long>, String> intervalJoin(JsonNode one) throws Exception {
        var bounds = one.get("bounds");
        String exclusive = bounds.path("exclusive").asText("");
        boolean withBefore = !exclusive.equals("before") && !exclusive.equals("both");
        boolean withAfter = !exclusive.equals("after") && !exclusive.equals("both");
        var records = Types.<Tuple2<String, Long>>TUPLE(Types.STRING, Types.LONG).createSerializer(new SerializerConfigImpl());
        var operator = new IntervalJoinOperator<String, Tuple2<String, Long>, Tuple2<String, Long>, String>(
            -bounds.get("before").asLong(), bounds.get("after").asLong(), withBefore, withAfter, LATE, LATE, records, records, new Pair());
        KeySelector<Tuple2<String, Long>, String> key = record -> record.f0;
        return new KeyedTwoInputStreamOperatorTestHarness<>(operator, key, key, Types.STRING);
    }

    static class Pair extends ProcessJoinFunction<Tuple2<String, Long>, Tuple2<String, Long>, String> {
        @Override
        public void processElement(Tuple2<String, Long> left, Tuple2<String, Long> right, Context context, Collector<String> out) {
            out.collect(left.f0 + " " + (left.f1 * 100 + right.f1));
        }
    }

    static KeyedOneInputStreamOperatorTestHarness<String, Tuple2<String, Long>, String> windows(JsonNode one) throws Exception {
        String kind = one.get("kind").asText();
        var size = Duration.ofMillis(one.get("size").asLong());
        var advance = Duration.ofMillis(one.get("advance").asLong());
        var offset = Duration.ofMillis(one.get("offset").asLong());
        WindowAssigner<Object, TimeWindow> assigner = switch (kind) {
            case "tumbling" -> TumblingEventTimeWindows.of(size, offset);
            case "hopping" -> SlidingEventTimeWindows.of(size, advance, offset);
            // Flink's session lasts 1 ms less than its gap, although a record a whole gap later joins it.
            case "session" -> EventTimeSessionWindows.withGap(size.plusMillis(1));
            default -> (WindowAssigner) EventTimeSessionWindows.<Tuple2<String, Long>>withDynamicGap(record -> 1 + (record.f1 % 2 == 1 ? 2 : 1) * size.toMillis());
        };
        var emit = one.get("emit");
        Trigger<Object, TimeWindow> trigger = emit.has("early")
            ? ContinuousEventTimeTrigger.of(Duration.ofMillis(emit.get("early").asLong()))
            : emit.has("everyRecords") ? new AlsoByCount(CountTrigger.of(emit.get("everyRecords").asLong())) : EventTimeTrigger.create();
        KeySelector<Tuple2<String, Long>, String> key = record -> record.f0;
        var builder = new WindowOperatorBuilder<>(assigner, trigger, new ExecutionConfig(), Types.TUPLE(Types.STRING, Types.LONG), key, Types.STRING);
        builder.allowedLateness(Duration.ofMillis(one.get("lateness").asLong()));
        builder.sideOutputLateData(LATE);
        return new KeyedOneInputStreamOperatorTestHarness<>(builder.aggregate(new Sum(), new InWindow(), Types.LONG), key, Types.STRING);
    }

    static class Sum implements AggregateFunction<Tuple2<String, Long>, Long, Long> {
        public Long createAccumulator() {
            return 0L;
        }

        public Long add(Tuple2<String, Long> record, Long sum) {
            return sum + record.f1;
        }

        public Long getResult(Long sum) {
            return sum;
        }

        public Long merge(Long a, Long b) {
            return a + b;
        }
    }

    static class InWindow implements WindowFunction<Long, String, String, TimeWindow> {
        public void apply(String key, TimeWindow window, Iterable<Long> sums, Collector<String> out) {
            out.collect(key + " [" + window.getStart() + "," + window.maxTimestamp() + "] " + sums.iterator().next());
        }
    }

    /** Flink's EventTimeTrigger, and its CountTrigger before that: it counts the records since the last result. */
    static class AlsoByCount extends Trigger<Object, TimeWindow> {
        final Trigger<Object, TimeWindow> byTime = EventTimeTrigger.create();
        final Trigger<Object, TimeWindow> byCount;

        AlsoByCount(CountTrigger<TimeWindow> byCount) {
            this.byCount = (Trigger) byCount;
        }

        @Override
        public TriggerResult onElement(Object element, long timestamp, TimeWindow window, TriggerContext context) throws Exception {
            var result = byTime.onElement(element, timestamp, window, context);
            return result.isFire() ? result : byCount.onElement(element, timestamp, window, context);
        }

        @Override
        public TriggerResult onEventTime(long time, TimeWindow window, TriggerContext context) throws Exception {
            var result = byTime.onEventTime(time, window, context);
            if (result.isFire()) byCount.clear(window, context);
            return result;
        }

        @Override
        public TriggerResult onProcessingTime(long time, TimeWindow window, TriggerContext context) {
            return TriggerResult.CONTINUE;
        }

        @Override
        public void clear(TimeWindow window, TriggerContext context) throws Exception {
            byTime.clear(window, context);
            byCount.clear(window, context);
        }

        @Override
        public boolean canMerge() {
            return true;
        }

        @Override
        public void onMerge(TimeWindow window, OnMergeContext context) throws Exception {
            byTime.onMerge(window, context);
            byCount.onMerge(window, context);
        }
    }

    static class SumUntilTimer extends KeyedProcessFunction<String, Tuple2<String, Long>, String> {
        ValueState<Long> sum;
        ValueState<Long> due;

        @Override
        public void open(OpenContext context) {
            sum = getRuntimeContext().getState(new ValueStateDescriptor<>("sum", Types.LONG));
            due = getRuntimeContext().getState(new ValueStateDescriptor<>("due", Types.LONG));
        }

        @Override
        public void processElement(Tuple2<String, Long> record, Context context, Collector<String> out) throws Exception {
            sum.update((sum.value() == null ? 0 : sum.value()) + record.f1);
            if (due.value() != null) context.timerService().deleteEventTimeTimer(due.value());
            due.update(context.timestamp() + record.f1);
            context.timerService().registerEventTimeTimer(due.value());
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<String> out) throws Exception {
            out.collect(context.getCurrentKey() + " " + sum.value());
            sum.update(0L);
            due.clear();
        }
    }
}
