import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** The cases of Java's consumer as a member of groups. */
final class Groups extends Members {
    Groups(String[] args) {
        super(args);
    }

    public static void main(String[] args) throws Exception {
        new Groups(args).groups();
        System.exit(0);
    }

    void groups() throws Exception {
        for (var assignor : List.of("RangeAssignor", "RoundRobinAssignor", "StickyAssignor", "CooperativeStickyAssignor"))
            run("groups", "two, three and two members, " + assignor, () -> {
                var topic = newTopic(6);
                var group = newName();
                var strategy = "org.apache.kafka.clients.consumer." + assignor;
                var members = new ArrayList<KafkaConsumer<String, String>>();
                var result = new ArrayList<>();
                for (var change : List.of(2, 1, -1)) {
                    for (int n = 0; n < change; n += 1)
                        members.add(member(group, topic, "partition.assignment.strategy", strategy));
                    if (change < 0) members.remove(0).close();
                    poll(members, () -> isShared(members, 6));
                    result.add(sizes(members));
                }
                members.forEach(KafkaConsumer::close);
                return result;
            });
        run("groups", "commits, metadata, lag; the next member continues", () -> {
            var topic = newTopic(1);
            var group = newName();
            var partition = new TopicPartition(topic, 0);
            fill(topic, 10);
            try (var first = member(group, topic)) {
                poll(List.of(first), () -> isShared(List.of(first), 1));
                first.commitSync(Map.of(partition, new OffsetAndMetadata(4, "so far")));
            }
            try (var second = member(group, topic)) {
                var values = new ArrayList<String>();
                var deadline = System.nanoTime() + PATIENCE.toNanos();
                while (values.size() < 6 && System.nanoTime() < deadline)
                    second.poll(Duration.ofMillis(100)).forEach(record -> values.add(record.value()));
                var committed = second.committed(java.util.Set.of(partition)).get(partition);
                return List.of(values, committed.offset(), committed.metadata());
            }
        });
        run("groups", "a static member that comes back, and one that is fenced", () -> {
            var topic = newTopic(2);
            var group = newName();
            var first = member(group, topic, "group.instance.id", "one");
            poll(List.of(first), () -> isShared(List.of(first), 2));
            first.close();
            var second = member(group, topic, "group.instance.id", "one");
            poll(List.of(second), () -> isShared(List.of(second), 2));
            var third = member(group, topic, "group.instance.id", "one");
            poll(List.of(third), () -> isShared(List.of(third), 2));
            var refused = outcome(() -> {
                second.commitSync(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(0)));
                return "committed";
            });
            // By its heartbeat, if that was faster than the commit.
            if (refused.equals("CommitFailedException")) refused = "FencedInstanceIdException";
            var generation = third.groupMetadata().groupInstanceId().orElse("none");
            third.close();
            outcome(() -> {
                second.close();
                return "closed";
            });
            return List.of(refused, generation);
        });
        run("groups", "callbacks: revoked, assigned", () -> {
            var topic = newTopic(2);
            var group = newName();
            var told = new ArrayList<String>();
            var first = consumer("group.id", group);
            first.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                    told.add("revoked " + partitions.size());
                }

                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                    told.add("assigned " + partitions.size());
                }
            });
            poll(List.of(first), () -> isShared(List.of(first), 2));
            var second = member(group, topic);
            poll(List.of(first, second), () -> isShared(List.of(first, second), 2));
            first.close();
            second.close();
            return told;
        });
        run("groups", "a commit of no member in a group that has some", () -> {
            var topic = newTopic(1);
            var group = newName();
            try (var member = member(group, topic); var other = consumer("group.id", group)) {
                poll(List.of(member), () -> isShared(List.of(member), 1));
                other.assign(List.of(new TopicPartition(topic, 0)));
                return outcome(() -> {
                    other.commitSync(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(1)));
                    return "committed";
                });
            }
        });
        run("groups", "a member is closed while another waits to join", () -> {
            var topic = newTopic(1);
            var group = newName();
            var members = new ArrayList<>(List.of(member(group, topic), member(group, topic)));
            poll(members.subList(0, 1), () -> isShared(members.subList(0, 1), 1));
            members.get(1).poll(Duration.ofMillis(300));
            members.remove(0).close();
            poll(members, () -> isShared(members, 1));
            var result = sizes(members);
            members.forEach(KafkaConsumer::close);
            return result;
        });
    }
}
