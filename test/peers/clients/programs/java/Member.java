import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.common.TopicPartition;

/**
 * A member of a group that has members in other languages. Called with a bootstrap address, the group, the topic
 * and the assignor. Prints a line of JSON per change of its partitions and per record; leaves when its input ends.
 * It commits what it has read when partitions are taken away.
 */
final class Member extends Cases {
    static final Map<String, String> ASSIGNORS = Map.of(
        "range", "RangeAssignor", "roundrobin", "RoundRobinAssignor", "cooperative-sticky", "CooperativeStickyAssignor");

    Member(String[] args) {
        super(new String[] {args[0], args[1]});
    }

    public static void main(String[] args) throws Exception {
        new Member(args).read(args[2], args[3]);
        System.exit(0);
    }

    void read(String topic, String assignor) throws Exception {
        var leaving = new CountDownLatch(1);
        new Thread(() -> {
            outcome(() -> System.in.readAllBytes());
            leaving.countDown();
        }).start();
        var strategy = "org.apache.kafka.clients.consumer." + ASSIGNORS.get(assignor);
        var consumer = consumer("group.id", me, "partition.assignment.strategy", strategy, "max.poll.records", "10");
        consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
            @Override
            public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                consumer.commitSync();
            }

            @Override
            public void onPartitionsAssigned(Collection<TopicPartition> partitions) {}
        });
        var held = new TreeSet<Integer>();
        while (leaving.getCount() > 0) {
            var records = consumer.poll(Duration.ofMillis(50));
            var found = new TreeSet<Integer>();
            for (var each : consumer.assignment()) found.add(each.partition());
            if (!found.equals(held)) say(Map.of("partitions", found));
            held = found;
            for (var record : records) say(place(record.partition(), record.offset()));
        }
        consumer.close();
    }

    static Object place(int partition, long offset) {
        var place = map("partition", (Object) partition);
        place.put("offset", offset);
        return place;
    }

    static void say(Object line) throws Exception {
        RESULTS.println(JSON.writeValueAsString(line));
    }
}
