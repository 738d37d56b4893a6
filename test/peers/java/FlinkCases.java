import com.fasterxml.jackson.databind.JsonNode;
import java.util.*;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.operators.co.CoBroadcastWithKeyedOperator;
import org.apache.flink.streaming.api.operators.co.IntervalJoinOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedBroadcastOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Runs the cases of test/peers/flink in the harnesses of Flink's own tests. A record is a key, a value, and its side. */
public class FlinkCases {
    static final TypeInformation<Tuple3<String, Long, String>> RECORD = Types.TUPLE(Types.STRING, Types.LONG, Types.STRING);
    static final KeySelector<Tuple3<String, Long, String>, String> KEY = record -> record.f0;
    static final OutputTag<Tuple3<String, Long, String>> LATE = new OutputTag<>("late", RECORD);

    public static void main(String[] arguments) throws Exception {
        Requests.answerAll(FlinkCases::answers);
    }

    record Answer(List<String> results, List<String> late) {}

    /** An operator under test. */
    interface Run extends AutoCloseable {
        AbstractStreamOperatorTestHarness<String> harness();

        void process(StreamRecord<Tuple3<String, Long, String>> record) throws Exception;

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
            long clock = 0;
            for (var input : one.get("inputs")) {
                clock += input.get("pause").asLong();
                run.harness().setProcessingTime(clock);
                run.harness().setStateTtlProcessingTime(clock);
                long timestamp = input.get("timestamp").asLong();
                run.process(new StreamRecord<>(Tuple3.of(input.get("key").asText(), input.get("value").asLong(), input.get("side").asText()), timestamp));
                // Flink's watermark says that no record comes at its own time either.
                if (timestamp > latest) run.advanceTo(timestamp - one.get("outOfOrderness").asLong() - 1);
                latest = Math.max(latest, timestamp);
                answers.add(taken(run.harness()));
            }
            run.harness().setProcessingTime(clock + one.get("pauseAtEnd").asLong());
            run.advanceTo(Long.MAX_VALUE);
            answers.add(taken(run.harness()));
        }
        return answers;
    }

    static Run runOf(JsonNode one) throws Exception {
        return switch (one.get("operator").asText()) {
            case "windows" -> ofOne(FlinkWindows.sums(one));
            case "co-group" -> ofOne(FlinkWindows.coGroup(one));
            case "timers" -> ofOne(FlinkFunctions.timers(one));
            case "expiring" -> ofOne(FlinkFunctions.expiring(one));
            case "connected" -> ofTwo(FlinkFunctions.connected());
            case "broadcast" -> ofBroadcast(FlinkFunctions.broadcast());
            default -> ofTwo(intervalJoin(one));
        };
    }

    static Run ofOne(OneInputStreamOperator<Tuple3<String, Long, String>, String> operator) throws Exception {
        var harness = new KeyedOneInputStreamOperatorTestHarness<>(operator, KEY, Types.STRING);
        return new Run() {
            public AbstractStreamOperatorTestHarness<String> harness() {
                return harness;
            }

            public void process(StreamRecord<Tuple3<String, Long, String>> record) throws Exception {
                harness.processElement(record);
            }

            public void advanceTo(long watermark) throws Exception {
                harness.processWatermark(watermark);
            }
        };
    }

    static Run ofTwo(TwoInputStreamOperator<Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> operator) throws Exception {
        var harness = new KeyedTwoInputStreamOperatorTestHarness<>(operator, KEY, KEY, Types.STRING);
        return new Run() {
            public AbstractStreamOperatorTestHarness<String> harness() {
                return harness;
            }

            public void process(StreamRecord<Tuple3<String, Long, String>> record) throws Exception {
                if (record.getValue().f2.equals("left")) harness.processElement1(record);
                else harness.processElement2(record);
            }

            public void advanceTo(long watermark) throws Exception {
                harness.processWatermark1(new Watermark(watermark));
                harness.processWatermark2(new Watermark(watermark));
            }
        };
    }

    static Run ofBroadcast(CoBroadcastWithKeyedOperator<String, Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> operator) throws Exception {
        var harness = new KeyedBroadcastOperatorTestHarness<>(operator, KEY, Types.STRING, 1, 1, 0);
        return new Run() {
            public AbstractStreamOperatorTestHarness<String> harness() {
                return harness;
            }

            public void process(StreamRecord<Tuple3<String, Long, String>> record) throws Exception {
                if (record.getValue().f2.equals("left")) harness.processElement(record);
                else harness.processBroadcastElement(record);
            }

            public void advanceTo(long watermark) throws Exception {
                harness.processWatermark(new Watermark(watermark));
                harness.processBroadcastWatermark(new Watermark(watermark));
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
            late.add(record.getValue().f0 + ": " + record.getValue().f1 + " @" + record.getTimestamp());
        }
        return new Answer(results, late);
    }

    static IntervalJoinOperator<String, Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> intervalJoin(JsonNode one) {
        var bounds = one.get("bounds");
        String exclusive = bounds.path("exclusive").asText("");
        boolean withBefore = !exclusive.equals("before") && !exclusive.equals("both");
        boolean withAfter = !exclusive.equals("after") && !exclusive.equals("both");
        var records = RECORD.createSerializer(new SerializerConfigImpl());
        return new IntervalJoinOperator<>(-bounds.get("before").asLong(), bounds.get("after").asLong(), withBefore, withAfter, LATE, LATE, records, records, new Pair());
    }

    static class Pair extends ProcessJoinFunction<Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> {
        @Override
        public void processElement(Tuple3<String, Long, String> left, Tuple3<String, Long, String> right, Context context, Collector<String> out) {
            out.collect(left.f0 + ": " + (left.f1 * 100 + right.f1));
        }
    }
}
