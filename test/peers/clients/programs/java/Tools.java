import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.Exit;

/**
 * The cases of Apache Kafka's command-line tools: what they print, without what differs from run to run. They
 * run in this process, since each JVM takes seconds to start.
 */
final class Tools extends Cases {
    Tools(String[] args) {
        super(args);
    }

    /** A tool ended with a status. */
    private static final class Ended extends RuntimeException {
        Ended(int status) {
            super("status " + status);
        }
    }

    public static void main(String[] args) throws Exception {
        Exit.setExitProcedure((status, message) -> {
            throw new Ended(status);
        });
        Exit.setHaltProcedure((status, message) -> {
            throw new Ended(status);
        });
        var tools = new Tools(args);
        tools.topics();
        tools.configs();
        tools.consumerGroups();
        tools.records();
        tools.performance();
        tools.transactions();
        tools.cluster();
        Runtime.getRuntime().halt(0);
    }

    /** The lines that a tool prints, sorted, and how it ended if it failed. */
    List<String> tool(String mainClass, String... args) throws Exception {
        var bytes = new ByteArrayOutputStream();
        var lines = new ArrayList<String>();
        System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        try {
            Class.forName(mainClass).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (java.lang.reflect.InvocationTargetException error) {
            if (!(error.getCause() instanceof Ended)) lines.add(nameOf(error.getCause()));
            else if (!error.getCause().getMessage().equals("status 0")) lines.add(error.getCause().getMessage());
        }
        for (var line : bytes.toString(StandardCharsets.UTF_8).split("\n")) {
            var plain = plain(line);
            // The traces of errors are those of the tool.
            if (!plain.isBlank() && !plain.startsWith("at ") && !plain.startsWith("Caused by") && !plain.startsWith("...")) lines.add(plain);
        }
        lines.sort(null);
        return lines;
    }

    /** A line without addresses, ids and times. */
    String plain(String line) {
        return line.replace(bootstrap, "BROKER")
            .replaceAll("TopicId: \\S+", "TopicId: ID")
            .replaceAll("[0-9a-f]{8}-[0-9a-f-]{27}", "UUID")
            .replaceAll("\\b1[6-9]\\d{11}\\b", "TIME")
            .replaceAll("/127\\.0\\.0\\.1:\\d+", "/BROKER")
            .replaceAll("\\[\\d{4}-\\d\\d-\\d\\d [^\\]]*\\]", "[TIME]")
            .replaceAll("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+", "TIME")
            // The words of an error are the broker's own.
            .replaceAll("(Exception|topic command ?): .*", "$1")
            .replaceAll("\"log_dirs\":\\[\"/[^\"]*\"]", "\"log_dirs\":DIRECTORIES")
            .replaceAll(", DEFAULT_CONFIG:[^},]*}", "}")
            .replaceAll("[ \\t]+", " ").strip();
    }

    List<String> topic(String... args) throws Exception {
        settle();
        return tool("org.apache.kafka.tools.TopicCommand", with(args));
    }

    List<String> config(String... args) throws Exception {
        settle();
        return tool("kafka.admin.ConfigCommand", with(args));
    }

    List<String> group(String... args) throws Exception {
        return tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", with(args));
    }

    String[] with(String... args) {
        var all = new ArrayList<>(List.of("--bootstrap-server", bootstrap));
        all.addAll(Arrays.asList(args));
        return all.toArray(String[]::new);
    }

    Path file(String text) throws Exception {
        var file = Files.createTempFile("millrace-peers", ".json");
        file.toFile().deleteOnExit();
        return Files.writeString(file, text);
    }

    void topics() throws Exception {
        run("topics", "create, describe, alter, delete", () -> {
            var name = newName();
            return List.of(
                topic("--create", "--topic", name, "--partitions", "3", "--config", "retention.ms=5000"),
                topic("--create", "--topic", name),
                topic("--create", "--topic", name, "--if-not-exists"),
                topic("--describe", "--topic", name),
                topic("--list").contains(name),
                topic("--alter", "--topic", name, "--partitions", "5"),
                topic("--alter", "--topic", name, "--partitions", "2"),
                topic("--describe", "--topic", name),
                topic("--describe", "--topics-with-overrides", "--topic", name),
                topic("--describe", "--unavailable-partitions", "--topic", name),
                topic("--describe", "--under-replicated-partitions", "--topic", name),
                topic("--delete", "--topic", name),
                topic("--describe", "--topic", name),
                topic("--delete", "--topic", name));
        });
        run("topics", "create wrong ones", () -> List.of(
            topic("--create", "--topic", "a/b"), topic("--create", "--topic", newName(), "--replication-factor", "2"),
            topic("--create", "--topic", newName(), "--config", "retention.ms=soon"), topic("--create", "--topic", newName(), "--config", "no.such=1"),
            topic("--create", "--topic", newName(), "--replica-assignment", "0,0"), topic("--create", "--topic", newName(), "--replica-assignment", "7")));
    }

    void configs() throws Exception {
        run("configs", "of a topic: describe, add, delete", () -> {
            var name = newTopic(1);
            String[] entity = {"--entity-type", "topics", "--entity-name", name};
            return List.of(
                config(join(entity, "--alter", "--add-config", "retention.ms=7,cleanup.policy=[compact,delete]")),
                config(join(entity, "--describe")),
                config(join(entity, "--describe", "--all")).stream().map(line -> line.replaceAll("^(\\S+)=.*", "$1")).toList(),
                config(join(entity, "--alter", "--add-config", "retention.ms=soon")),
                config(join(entity, "--alter", "--add-config", "no.such=1")),
                config(join(entity, "--alter", "--delete-config", "retention.ms")),
                config(join(entity, "--alter", "--delete-config", "segment.ms")),
                config(join(entity, "--describe")));
        });
        run("configs", "of a topic that is not there", () -> List.of(
            config("--entity-type", "topics", "--entity-name", me + "-unknown", "--describe"),
            config("--entity-type", "topics", "--entity-name", me + "-unknown", "--alter", "--add-config", "retention.ms=7")));
        run("configs", "of the broker", () -> List.of(
            config("--entity-type", "brokers", "--entity-default", "--alter", "--add-config", "log.cleaner.delete.retention.ms=50000"),
            config("--entity-type", "brokers", "--entity-default", "--describe"),
            config("--entity-type", "brokers", "--entity-default", "--alter", "--delete-config", "log.cleaner.delete.retention.ms"),
            config("--entity-type", "brokers", "--entity-default", "--describe")));
    }

    static String last(List<String> lines) {
        return lines.isEmpty() ? "nothing" : lines.get(lines.size() - 1);
    }

    static String[] join(String[] first, String... rest) {
        var all = new ArrayList<>(Arrays.asList(first));
        all.addAll(Arrays.asList(rest));
        return all.toArray(String[]::new);
    }

    void consumerGroups() throws Exception {
        run("group admin", "list and describe: in use, idle, unknown", () -> {
            var topic = newTopic(2);
            var group = newName();
            fill(topic, 10);
            var result = new ArrayList<>();
            try (var member = consumer("group.id", group)) {
                member.subscribe(List.of(topic));
                Members.poll(List.of(member), () -> !member.assignment().isEmpty());
                member.commitSync(Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(4)));
                result.add(group("--describe", "--group", group));
                result.add(group("--describe", "--group", group, "--members", "--verbose"));
                result.add(group("--describe", "--group", group, "--state"));
                result.add(group("--list").contains(group));
                result.add(group("--list", "--state", "stable").stream().filter(line -> line.startsWith(group)).toList());
                result.add(group("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute"));
                result.add(group("--delete", "--group", group));
                result.add(group("--delete-offsets", "--group", group, "--topic", topic));
            }
            result.add(group("--describe", "--group", group));
            result.add(group("--describe", "--group", group, "--state"));
            result.add(group("--describe", "--group", me + "-unknown"));
            result.add(group("--delete-offsets", "--group", group, "--topic", topic + ":0"));
            result.add(group("--delete", "--group", group));
            result.add(group("--delete", "--group", group));
            return result;
        });
        var resets = List.of(
            List.of("--to-earliest"), List.of("--to-latest"), List.of("--to-offset", "3"), List.of("--to-offset", "99"),
            List.of("--shift-by", "-2"), List.of("--shift-by", "5"), List.of("--shift-by", "-99"), List.of("--to-current"),
            List.of("--to-datetime", "2020-09-13T12:26:40.004"), List.of("--to-datetime", "2030-01-01T00:00:00.000"), List.of("--by-duration", "P1D"));
        run("group admin", "every reset of offsets", () -> {
            var topic = newTopicOfGroups(2);
            var group = newName();
            fill(topic, 10);
            get(admin.alterConsumerGroupOffsets(group, Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(5))).all());
            var result = new ArrayList<>();
            for (var reset : resets) {
                String[] args = {"--reset-offsets", "--group", group, "--topic", topic, "--execute"};
                result.add(List.of(reset, group(join(args, reset.toArray(String[]::new))), group("--describe", "--group", group)));
            }
            result.add(group("--reset-offsets", "--group", group, "--all-topics", "--to-earliest", "--dry-run"));
            var exported = group("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--export", "--dry-run");
            result.add(exported);
            var file = file("\"" + topic + "\",0,2\n\"" + topic + "\",1,0\n").toString();
            result.add(group("--reset-offsets", "--group", group, "--from-file", file, "--execute"));
            result.add(group("--describe", "--group", group));
            return result;
        });
        run("group admin", "all groups of the broker (GroupsCommand)", () -> {
            var group = newName();
            get(admin.alterConsumerGroupOffsets(group, Map.of(new TopicPartition(newTopicOfGroups(1), 0), new OffsetAndMetadata(0))).all());
            return tool("org.apache.kafka.tools.GroupsCommand", with("--list")).stream().filter(line -> line.startsWith(group)).toList();
        });
    }

    void records() throws Exception {
        run("records", "console producer and consumer, with keys and headers", () -> {
            var topic = newTopic(1);
            System.setIn(new java.io.ByteArrayInputStream("h:1\ta\tvalue 1\nh:2\tb\tvalue 2\n".getBytes()));
            var produced = tool("org.apache.kafka.tools.ConsoleProducer", with(
                "--topic", topic, "--reader-property", "parse.key=true", "--reader-property", "parse.headers=true"));
            var consumed = tool("org.apache.kafka.tools.consumer.ConsoleConsumer", with(
                "--topic", topic, "--from-beginning", "--max-messages", "2", "--group", newName(),
                "--formatter-property", "print.key=true", "--formatter-property", "print.offset=true",
                "--formatter-property", "print.partition=true", "--formatter-property", "print.headers=true"));
            return List.of(produced, consumed);
        });
        run("offsets", "get-offsets of each kind", () -> {
            var topic = newTopic(2);
            fill(topic, 10);
            var result = new ArrayList<>();
            for (var time : List.of("-1", "-2", "-3", "latest", "earliest", "max-timestamp", "" + (EPOCH_MS + 4), "" + (EPOCH_MS + 99)))
                result.add(List.of(time, tool("org.apache.kafka.tools.GetOffsetShell", with("--topic", topic, "--time", time))));
            result.add(tool("org.apache.kafka.tools.GetOffsetShell", with("--topic-partitions", topic + ":1")));
            result.add(tool("org.apache.kafka.tools.GetOffsetShell", with("--topic", me + "-unknown")));
            return result;
        });
        run("topics", "delete records", () -> {
            var topic = newTopic(2);
            fill(topic, 10);
            var result = new ArrayList<>();
            for (var offset : List.of(4, 99, -1)) {
                var json = "{\"version\":1,\"partitions\":[{\"topic\":\"" + topic + "\",\"partition\":0,\"offset\":" + offset + "}]}";
                result.add(tool("org.apache.kafka.tools.DeleteRecordsCommand", with("--offset-json-file", file(json).toString())));
            }
            return result;
        });
    }

    void performance() throws Exception {
        run("performance", "verifiable producer and consumer", () -> {
            var topic = newTopic(1);
            var produced = tool("org.apache.kafka.tools.VerifiableProducer", with("--topic", topic, "--max-messages", "200", "--acks", "-1"));
            var consumed = tool("org.apache.kafka.tools.VerifiableConsumer", with("--topic", topic, "--max-messages", "200", "--group-id", newName(), "--reset-policy", "earliest"));
            return List.of(
                // The first records may be acknowledged before it says that it has begun.
                produced.stream().filter(line -> line.contains("startup_complete")).count(), read(topic, 1).size(),
                consumed.stream().filter(line -> !line.contains("records_consumed") && !line.contains("producer_send"))
                    .map(line -> line.replaceAll("\"timestamp\":\\w+,?", "")).toList());
        });
        run("performance", "producer and consumer performance", () -> {
            var topic = newTopic(1);
            var produced = tool("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", "20000", "--record-size", "100", "--throughput", "-1",
                "--command-property", "bootstrap.servers=" + bootstrap);
            var transactional = tool("org.apache.kafka.tools.ProducerPerformance", "--topic", topic, "--num-records", "2000", "--record-size", "100", "--throughput", "-1",
                "--transactional-id", newName(), "--transaction-duration-ms", "3600000", "--command-property", "bootstrap.servers=" + bootstrap);
            var consumed = tool("org.apache.kafka.tools.ConsumerPerformance", with("--topic", topic, "--messages", "22000", "--hide-header"));
            var counts = consumed.stream().map(line -> line.split(", ")).filter(fields -> fields.length > 4).map(fields -> fields[4]).toList();
            return List.of(last(produced).split(",")[0], last(transactional).split(",")[0], counts);
        });
    }

    void transactions() throws Exception {
        run("transaction admin", "list, describe, producers, abort, hanging ones", () -> {
            var topic = newTopicOfHanging();
            var id = newName();
            var main = "org.apache.kafka.tools.TransactionsCommand";
            var result = new ArrayList<>();
            try (var producer = producer("transactional.id", id)) {
                producer.initTransactions();
                producer.beginTransaction();
                Clients.send(producer, topic, 0, 2, 0);
                result.add(numberless(tool(main, with("list")).stream().filter(line -> line.startsWith(id)).toList()));
                result.add(numberless(tool(main, with("describe", "--transactional-id", id))));
                result.add(numberless(tool(main, with("describe-producers", "--topic", topic, "--partition", "0"))));
                result.add(tool(main, with("find-hanging", "--broker-id", "0", "--topic", topic)));
                result.add(tool(main, with("abort", "--topic", topic, "--partition", "0", "--start-offset", "0")));
                result.add(read(topic, 1, "isolation.level", "read_committed"));
                producer.abortTransaction();
            }
            result.add(tool(main, with("describe", "--transactional-id", me + "-unknown")));
            result.add(tool(main, with("forceTerminateTransaction", "--transactionalId", id)));
            return result;
        });
    }

    /** Ids of producers and times that have passed are numbers of the run. */
    static List<String> numberless(List<String> lines) {
        return lines.stream().map(line -> line.replaceAll("(?<![\\w.-])\\d+(?![\\w.-])", "N")).toList();
    }

    void cluster() throws Exception {
        run("cluster", "log directories", () -> {
            var topic = newTopic(2);
            fill(topic, 10);
            var printed = tool("org.apache.kafka.tools.LogDirsCommand", with("--describe", "--topic-list", topic));
            return printed.stream().map(line -> line.replaceAll("\"size\":[1-9]\\d*", "\"size\":SIZE").replaceAll("\"logDir\":\"[^\"]*\"", "\"logDir\":DIR")
                .replaceAll("\"(total|usable)Bytes\":\\d+", "\"$1Bytes\":BYTES")).toList();
        });
        run("cluster", "elect leaders", () -> {
            var topic = newTopic(1);
            return List.of(
                tool("org.apache.kafka.tools.LeaderElectionCommand", with("--election-type", "preferred", "--topic", topic, "--partition", "0")),
                tool("org.apache.kafka.tools.LeaderElectionCommand", with("--election-type", "unclean", "--topic", topic, "--partition", "7")));
        });
        run("cluster", "reassign partitions: generate, execute, verify, list", () -> {
            var topic = newTopic(1);
            var main = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand";
            var plan = file("{\"version\":1,\"partitions\":[{\"topic\":\"" + topic + "\",\"partition\":0,\"replicas\":[0]}]}").toString();
            var topics = file("{\"version\":1,\"topics\":[{\"topic\":\"" + topic + "\"}]}").toString();
            return List.of(
                tool(main, with("--generate", "--topics-to-move-json-file", topics, "--broker-list", "0")), tool(main, with("--execute", "--reassignment-json-file", plan)),
                tool(main, with("--verify", "--reassignment-json-file", plan)), tool(main, with("--list")));
        });
        // Of all but those that millrace does not offer.
        var others = "(?i).*(Quota|Acl|Scram|Share|Streams|Raft|Quorum|DelegationToken|Telemetry|ConsumerGroup|ReplicaLogDirs|UpdateFeatures|UnregisterBroker|Sasl|Unsupported).*";
        run("cluster", "versions of its requests", () -> tool("org.apache.kafka.tools.BrokerApiVersionsCommand", with()).stream()
            .filter(line -> line.matches(".*\\(\\d+\\):.*") && !line.matches(others)).map(line -> line.replaceAll(",$", "")).toList());
        run("cluster", "endpoints and id (cluster)", () -> List.of(
            tool("org.apache.kafka.tools.ClusterTool", "cluster-id", "--bootstrap-server", bootstrap).stream().map(line -> line.replaceAll("ID: \\S+", "ID: ID")).toList(),
            tool("org.apache.kafka.tools.ClusterTool", "list-endpoints", "--bootstrap-server", bootstrap).stream().map(line -> line.replaceAll(" \\d{4,5} ", " PORT ")).toList()));
    }
}
