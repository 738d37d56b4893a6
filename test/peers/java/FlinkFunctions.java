import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.*;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.*;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.TimerService;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.co.KeyedBroadcastProcessFunction;
import org.apache.flink.streaming.api.functions.co.KeyedCoProcessFunction;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.operators.co.CoBroadcastWithKeyedOperator;
import org.apache.flink.streaming.api.operators.co.KeyedCoProcessOperator;
import org.apache.flink.util.Collector;

/** The functions of test/peers/flink with state and timers. As in millrace, a timer that is set to a time before 1970 is due in 1970. */
class FlinkFunctions {
    static final MapStateDescriptor<String, Long> RULES = new MapStateDescriptor<>("rules", Types.STRING, Types.LONG);

    static KeyedProcessOperator<String, Tuple3<String, Long, String>, String> timers(JsonNode one) {
        return new KeyedProcessOperator<>(new SumUntilTimer(one.get("time").asText().equals("processing")));
    }

    static KeyedProcessOperator<String, Tuple3<String, Long, String>, String> expiring(JsonNode one) {
        return new KeyedProcessOperator<>(new Expiring(one.get("ttl").asLong()));
    }

    static KeyedCoProcessOperator<String, Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> connected() {
        return new KeyedCoProcessOperator<>(new Priced());
    }

    static CoBroadcastWithKeyedOperator<String, Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> broadcast() {
        return new CoBroadcastWithKeyedOperator<>(new Rules(), List.of(RULES));
    }

    static class SumUntilTimer extends KeyedProcessFunction<String, Tuple3<String, Long, String>, String> {
        final boolean byClock;
        ValueState<Long> sum;
        ValueState<Long> due;

        SumUntilTimer(boolean byClock) {
            this.byClock = byClock;
        }

        @Override
        public void open(OpenContext context) {
            sum = getRuntimeContext().getState(new ValueStateDescriptor<>("sum", Types.LONG));
            due = getRuntimeContext().getState(new ValueStateDescriptor<>("due", Types.LONG));
        }

        @Override
        public void processElement(Tuple3<String, Long, String> record, Context context, Collector<String> out) throws Exception {
            sum.update((sum.value() == null ? 0 : sum.value()) + record.f1);
            TimerService timers = context.timerService();
            if (due.value() != null && byClock) timers.deleteProcessingTimeTimer(due.value());
            if (due.value() != null && !byClock) timers.deleteEventTimeTimer(due.value());
            due.update(Math.max(0, (byClock ? timers.currentProcessingTime() : context.timestamp()) + record.f1));
            if (byClock) timers.registerProcessingTimeTimer(due.value());
            else timers.registerEventTimeTimer(due.value());
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<String> out) throws Exception {
            out.collect(context.getCurrentKey() + ": " + sum.value());
            sum.update(0L);
            due.clear();
        }
    }

    /** Counts the records of a key, and those with one value, with states that live so long after each write. */
    static class Expiring extends KeyedProcessFunction<String, Tuple3<String, Long, String>, String> {
        final StateTtlConfig ttl;
        ValueState<Long> count;
        MapState<Long, Long> seen;
        ListState<Long> values;

        Expiring(long ttl) {
            this.ttl = StateTtlConfig.newBuilder(Duration.ofMillis(ttl)).build();
        }

        @Override
        public void open(OpenContext context) {
            var one = new ValueStateDescriptor<>("count", Types.LONG);
            var map = new MapStateDescriptor<>("seen", Types.LONG, Types.LONG);
            var list = new ListStateDescriptor<>("values", Types.LONG);
            for (var state : List.of(one, map, list)) state.enableTimeToLive(ttl);
            count = getRuntimeContext().getState(one);
            seen = getRuntimeContext().getMapState(map);
            values = getRuntimeContext().getListState(list);
        }

        @Override
        public void processElement(Tuple3<String, Long, String> record, Context context, Collector<String> out) throws Exception {
            count.update(count.value() == null ? 1 : count.value() + 1);
            long kind = record.f1 % 3;
            seen.put(kind, seen.contains(kind) ? seen.get(kind) + 1 : 1);
            values.add(record.f1);
            long kinds = 0;
            for (var each : seen.keys()) kinds++;
            var all = new ArrayList<Long>();
            for (var each : values.get()) all.add(each);
            out.collect(record.f0 + ": " + count.value() + " " + seen.get(kind) + " of " + kinds + " " + all);
        }
    }

    /** The left records are priced by the last right one; those without a price wait, and are counted when their time is over. */
    static class Priced extends KeyedCoProcessFunction<String, Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> {
        ValueState<Long> price;
        ListState<Long> waiting;
        MapState<Long, Long> seen;
        ValueState<Long> due;

        @Override
        public void open(OpenContext context) {
            price = getRuntimeContext().getState(new ValueStateDescriptor<>("price", Types.LONG));
            waiting = getRuntimeContext().getListState(new ListStateDescriptor<>("waiting", Types.LONG));
            seen = getRuntimeContext().getMapState(new MapStateDescriptor<>("seen", Types.LONG, Types.LONG));
            due = getRuntimeContext().getState(new ValueStateDescriptor<>("due", Types.LONG));
        }

        @Override
        public void processElement1(Tuple3<String, Long, String> record, Context context, Collector<String> out) throws Exception {
            long times = seen.contains(record.f1) ? seen.get(record.f1) + 1 : 1;
            seen.put(record.f1, times);
            if (price.value() != null) {
                out.collect(record.f0 + ": " + record.f1 * price.value() + " for the time " + times);
                return;
            }
            waiting.add(record.f1);
            if (due.value() != null) context.timerService().deleteEventTimeTimer(due.value());
            due.update(Math.max(0, context.timestamp() + record.f1));
            context.timerService().registerEventTimeTimer(due.value());
        }

        @Override
        public void processElement2(Tuple3<String, Long, String> record, Context context, Collector<String> out) throws Exception {
            price.update(record.f1);
            for (var each : waiting.get()) out.collect(record.f0 + ": " + each * record.f1 + " late");
            waiting.clear();
            if (record.f1 % 3 == 0) seen.remove(record.f1);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<String> out) throws Exception {
            int count = 0;
            for (var each : waiting.get()) count++;
            out.collect(context.getCurrentKey() + ": overdue " + count);
            waiting.clear();
            price.clear();
            due.clear();
        }
    }

    /** A right record is a rule for all keys; it is taken back by a multiple of 5. A left record names the rules that it is above. */
    static class Rules extends KeyedBroadcastProcessFunction<String, Tuple3<String, Long, String>, Tuple3<String, Long, String>, String> {
        ValueState<Long> above;

        @Override
        public void open(OpenContext context) {
            above = getRuntimeContext().getState(new ValueStateDescriptor<>("above", Types.LONG));
        }

        @Override
        public void processElement(Tuple3<String, Long, String> record, ReadOnlyContext context, Collector<String> out) throws Exception {
            var rules = new TreeSet<String>();
            for (var rule : context.getBroadcastState(RULES).immutableEntries()) if (record.f1 > rule.getValue()) rules.add(rule.getKey());
            above.update((above.value() == null ? 0 : above.value()) + rules.size());
            out.collect(record.f0 + ": " + String.join("", rules) + " of " + above.value());
        }

        @Override
        public void processBroadcastElement(Tuple3<String, Long, String> record, Context context, Collector<String> out) throws Exception {
            if (record.f1 % 5 == 0) context.getBroadcastState(RULES).remove(record.f0);
            else context.getBroadcastState(RULES).put(record.f0, record.f1);
        }
    }
}
