import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.*;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.cep.functions.PatternProcessFunction;
import org.apache.flink.cep.functions.TimedOutPartialMatchHandler;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.nfa.compiler.NFACompiler;
import org.apache.flink.cep.operator.CepOperator;
import org.apache.flink.cep.pattern.Pattern;
import org.apache.flink.cep.pattern.conditions.IterativeCondition;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** Finds the patterns of test/peers/flink/patterns in their events, by Flink's CEP. An event is its key and its value. */
public class FlinkPatterns {
    static final OutputTag<String> LATE = new OutputTag<>("late", Types.STRING);
    static final OutputTag<String> TIMED_OUT = new OutputTag<>("timed out", Types.STRING);

    public static void main(String[] arguments) throws Exception {
        Requests.answerAll(FlinkPatterns::answers);
    }

    record Answer(List<String> matches, List<String> timedOut, List<String> late) {}

    static List<Answer> answers(JsonNode one) throws Exception {
        var skip = skipStrategy(one.get("afterMatch"));
        var names = new ArrayList<String>();
        var pattern = pattern(one.get("steps"), names, skip);
        if (one.has("within")) pattern = pattern.within(Duration.ofMillis(one.get("within").asLong()));
        var operator = new CepOperator<String, String, String>(
            StringSerializer.INSTANCE, false, NFACompiler.compileFactory(pattern, true), null, skip, new Found(names), LATE);
        var answers = new ArrayList<Answer>();
        try (var harness = new KeyedOneInputStreamOperatorTestHarness<String, String, String>(operator, FlinkPatterns::keyOf, Types.STRING)) {
            harness.open();
            long watermark = Long.MIN_VALUE;
            for (var input : one.get("inputs")) {
                long timestamp = input.get("timestamp").asLong();
                harness.processElement(new StreamRecord<>(input.get("key").asText() + " " + input.get("value").asText(), timestamp));
                // Flink's watermark says that no record comes at its own time either.
                watermark = advance(harness, watermark, timestamp - one.get("outOfOrderness").asLong() - 1);
                answers.add(taken(harness));
            }
            advance(harness, watermark, watermark + 1000);
            harness.processWatermark(Long.MAX_VALUE);
            answers.add(taken(harness));
        }
        return answers;
    }

    /** By steps in which one time is over: attempts that time out at once do so before a match would drop them. */
    static long advance(KeyedOneInputStreamOperatorTestHarness<String, String, String> harness, long from, long to) throws Exception {
        for (long watermark = Math.max(from, to - 1000); watermark < to; watermark += 5) harness.processWatermark(watermark);
        if (to > from) harness.processWatermark(to);
        return Math.max(from, to);
    }

    static Answer taken(KeyedOneInputStreamOperatorTestHarness<String, String, String> harness) {
        return new Answer(taken(harness.getOutput()), taken(harness.getSideOutput(TIMED_OUT)), taken(harness.getSideOutput(LATE)));
    }

    static List<String> taken(Queue<?> output) {
        var texts = new ArrayList<String>();
        while (output != null && !output.isEmpty()) if (output.poll() instanceof StreamRecord<?> record) texts.add(record.getValue() + " @" + record.getTimestamp());
        return texts;
    }

    static AfterMatchSkipStrategy skipStrategy(JsonNode afterMatch) {
        if (afterMatch.has("skipToFirst")) return AfterMatchSkipStrategy.skipToFirst(afterMatch.get("skipToFirst").asText());
        if (afterMatch.has("skipToLast")) return AfterMatchSkipStrategy.skipToLast(afterMatch.get("skipToLast").asText());
        return switch (afterMatch.asText()) {
            case "skipToNext" -> AfterMatchSkipStrategy.skipToNext();
            case "skipPastLastEvent" -> AfterMatchSkipStrategy.skipPastLastEvent();
            default -> AfterMatchSkipStrategy.noSkip();
        };
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static Pattern<String, String> pattern(JsonNode steps, List<String> names, AfterMatchSkipStrategy skip) {
        Pattern pattern = null;
        for (var step : steps) {
            var how = step.get("how").asText();
            if (step.has("group")) {
                var group = pattern(step.get("group"), names, skip);
                pattern = switch (how) {
                    case "begin" -> Pattern.begin(group, skip);
                    case "next" -> pattern.next(group);
                    case "followedBy" -> pattern.followedBy(group);
                    default -> pattern.followedByAny(group);
                };
            } else {
                var name = step.get("name").asText();
                pattern = switch (how) {
                    case "begin" -> Pattern.begin(name, skip);
                    case "next" -> pattern.next(name);
                    case "followedBy" -> pattern.followedBy(name);
                    case "followedByAny" -> pattern.followedByAny(name);
                    case "notNext" -> pattern.notNext(name);
                    default -> pattern.notFollowedBy(name);
                };
                pattern = pattern.where(new Fits(step.get("when")));
                if (how.startsWith("not")) continue;
                names.add(name);
            }
            if (step.has("times")) pattern = loop(pattern, step);
            if (step.path("isOptional").asBoolean()) pattern = pattern.optional();
        }
        return pattern;
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    static Pattern loop(Pattern pattern, JsonNode step) {
        int from = step.get("times").get("from").asInt();
        boolean isEndless = !step.get("times").has("to");
        if (isEndless) pattern = from == 1 ? pattern.oneOrMore() : pattern.timesOrMore(from);
        else pattern = pattern.times(from, step.get("times").get("to").asInt());
        if (step.path("inner").asText().equals("consecutive")) pattern = pattern.consecutive();
        if (step.path("inner").asText().equals("allowCombinations")) pattern = pattern.allowCombinations();
        if (step.path("isGreedy").asBoolean()) pattern = pattern.greedy();
        return step.has("until") ? pattern.until(new Fits(step.get("until"))) : pattern;
    }

    static String keyOf(String event) {
        return event.substring(0, event.lastIndexOf(' '));
    }

    static String valueOf(String event) {
        return event.substring(event.lastIndexOf(' ') + 1);
    }

    /** The condition of case.ts: an event is a letter, a size, and its number. */
    static class Fits extends IterativeCondition<String> {
        final String letters;
        final String largerThan;

        Fits(JsonNode condition) {
            letters = condition.get("letters").asText();
            largerThan = condition.path("largerThan").asText(null);
        }

        @Override
        public boolean filter(String event, Context<String> context) throws Exception {
            if (letters.indexOf(valueOf(event).charAt(0)) < 0) return false;
            if (largerThan == null) return true;
            for (var earlier : context.getEventsForPattern(largerThan)) if (valueOf(event).charAt(1) <= valueOf(earlier).charAt(1)) return false;
            return true;
        }
    }

    static class Found extends PatternProcessFunction<String, String> implements TimedOutPartialMatchHandler<String> {
        final List<String> names;

        Found(List<String> names) {
            this.names = names;
        }

        @Override
        public void processMatch(Map<String, List<String>> match, Context context, Collector<String> out) {
            out.collect(text(match));
        }

        @Override
        public void processTimedOutMatch(Map<String, List<String>> match, Context context) {
            context.output(TIMED_OUT, text(match));
        }

        /** The events by name, as `key name=a1#1,b2#2 name=`. */
        String text(Map<String, List<String>> match) {
            var key = match.values().stream().flatMap(List::stream).findFirst().map(FlinkPatterns::keyOf).orElse("?");
            var text = new StringBuilder(key);
            for (var name : names)
                text.append(" ").append(name).append("=").append(String.join(",", match.getOrDefault(name, List.of()).stream().map(FlinkPatterns::valueOf).toList()));
            return text.toString();
        }
    }
}
