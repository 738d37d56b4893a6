import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** What the cases with members of a group share. */
abstract class Members extends Cases {
    Members(String[] args) {
        super(args);
    }

    /** Polls these in turns until it is so; what came. */
    static List<String> poll(List<KafkaConsumer<String, String>> members, BooleanSupplier isDone) {
        var values = new ArrayList<String>();
        var deadline = System.nanoTime() + PATIENCE.toNanos();
        while (!isDone.getAsBoolean() && System.nanoTime() < deadline)
            for (var member : members)
                for (var record : member.poll(Duration.ofMillis(20))) values.add(record.value());
        return values;
    }

    /** Whether each partition has one member, and the members have about as many. */
    static boolean isShared(List<KafkaConsumer<String, String>> members, int partitions) {
        var sizes = sizes(members);
        if (sizes.get(sizes.size() - 1) - sizes.get(0) > 1) return false;
        var all = new TreeSet<String>();
        for (var member : members) {
            if (member.assignment().isEmpty()) return false;
            for (var each : member.assignment()) if (!all.add(each.toString())) return false;
        }
        return all.size() == partitions;
    }

    static List<Integer> sizes(List<KafkaConsumer<String, String>> members) {
        return members.stream().map(each -> each.assignment().size()).sorted().toList();
    }

    KafkaConsumer<String, String> member(String group, String topic, String... settings) {
        var all = new ArrayList<>(List.of("group.id", group));
        all.addAll(Arrays.asList(settings));
        var consumer = consumer(all.toArray(String[]::new));
        consumer.subscribe(List.of(topic));
        return consumer;
    }
}
