import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.DescribeConfigsOptions;
import org.apache.kafka.clients.admin.ListConsumerGroupOffsetsSpec;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.MemberToRemove;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.RemoveMembersFromConsumerGroupOptions;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** The cases of Java's Admin: topics, configs, groups, transactions, the cluster. */
final class Admins extends Cases {
    Admins(String[] args) {
        super(args);
    }

    public static void main(String[] args) throws Exception {
        var admins = new Admins(args);
        admins.topics();
        admins.offsets();
        admins.configs();
        admins.groups();
        admins.transactions();
        admins.cluster();
        System.exit(0);
    }

    /** The outcomes by what was asked for. */
    static Object each(Map<?, ? extends Future<?>> futures) {
        var found = new TreeMap<String, Object>();
        futures.forEach((key, future) -> found.put(String.valueOf(key), done(future)));
        return found;
    }

    Object create(NewTopic... topics) {
        return each(admin.createTopics(List.of(topics)).values());
    }

    void topics() throws Exception {
        run("topics", "create: partitions, factor, configs in the answer", () -> {
            var topic = newName();
            var made = admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1).configs(Map.of("retention.ms", "5000"))));
            var config = get(made.config(topic)).get("retention.ms");
            return List.of(get(made.numPartitions(topic)), get(made.replicationFactor(topic)), config.value(), config.source().name());
        });
        run("topics", "create with defaults, too many replicas, no partitions", () -> {
            var names = List.of(newName(), newName(), newName());
            return List.of(
                done(admin.createTopics(List.of(new NewTopic(names.get(0), Optional.empty(), Optional.empty()))).all()),
                done(admin.createTopics(List.of(new NewTopic(names.get(1), 1, (short) 2))).all()),
                done(admin.createTopics(List.of(new NewTopic(names.get(2), 0, (short) 1))).all()));
        });
        run("topics", "create by assignment: one node, unknown node, gaps, none, twice the same", () -> {
            var result = new ArrayList<>();
            for (var assignment : List.<Map<Integer, List<Integer>>>of(
                Map.of(0, List.of(0), 1, List.of(0)), Map.of(0, List.of(7)), Map.of(1, List.of(0)),
                Map.of(0, List.of()), Map.of(0, List.of(0, 0))))
                result.add(done(admin.createTopics(List.of(new NewTopic(newName(), assignment))).all()));
            return result;
        });
        run("topics", "create with wrong configs", () -> {
            var result = new ArrayList<>();
            for (var config : List.of(
                Map.of("no.such", "1"), Map.of("retention.ms", "soon"), Map.of("cleanup.policy", ""), Map.of("cleanup.policy", "delete,burn"),
                Map.of("min.insync.replicas", "0"), Map.of("compression.type", "zip"), Map.of("segment.bytes", "1"),
                Map.of("max.message.bytes", "-1"), Map.of("message.timestamp.type", "Never"), Map.of("unclean.leader.election.enable", "maybe"),
                Map.of("min.cleanable.dirty.ratio", "2"), Map.of("remote.storage.enable", "true"),
                Map.of("retention.bytes", "99999999999999999999")))
                result.add(Arrays.asList(config.toString(), done(admin.createTopics(List.of(new NewTopic(newName(), 1, (short) 1).configs(config))).all())));
            return result;
        });
        run("topics", "create with a config of tiered storage", () -> {
            var config = Map.of("local.retention.ms", "1");
            return done(admin.createTopics(List.of(new NewTopic(newName(), 1, (short) 1).configs(config))).all());
        });
        run("topics", "create, only validated", () -> {
            var topic = newName();
            var options = new CreateTopicsOptions().validateOnly(true);
            var made = admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1)), options);
            return List.of(get(made.numPartitions(topic)), get(admin.listTopics().names()).contains(topic));
        });
        run("topics", "describe by name and by id, and what is unknown", () -> {
            var topic = newTopic(2);
            var found = get(admin.describeTopics(List.of(topic)).topicNameValues().get(topic));
            var byId = get(admin.describeTopics(TopicCollection.ofTopicIds(List.of(found.topicId()))).topicIdValues().get(found.topicId()));
            var unknownId = org.apache.kafka.common.Uuid.randomUuid();
            return List.of(
                found.partitions().stream().map(each -> each.toString().replace(bootstrap, "")).toList(),
                byId.name().equals(topic), found.isInternal(),
                done(admin.describeTopics(List.of(me + "-unknown")).allTopicNames()),
                done(admin.describeTopics(TopicCollection.ofTopicIds(List.of(unknownId))).allTopicIds()));
        });
        run("topics", "delete by name and by id, and what is unknown", () -> {
            var one = newTopic(1);
            var two = newTopic(1);
            var id = get(admin.describeTopics(List.of(two)).topicNameValues().get(two)).topicId();
            return List.of(
                done(admin.deleteTopics(List.of(one)).all()),
                done(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all()),
                done(admin.deleteTopics(List.of(one)).all()),
                done(admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all()),
                done(admin.deleteTopics(List.of("a/b")).all()));
        });
        run("topics", "more partitions: by count, by assignment, wrong ones", () -> {
            var topic = newTopic(1);
            var result = new ArrayList<>();
            for (var partitions : List.of(
                NewPartitions.increaseTo(3), NewPartitions.increaseTo(3), NewPartitions.increaseTo(2), NewPartitions.increaseTo(-1),
                NewPartitions.increaseTo(4, List.of(List.of(0))), NewPartitions.increaseTo(5, List.of(List.of(9))),
                NewPartitions.increaseTo(6, List.of(List.of(0))), NewPartitions.increaseTo(5, List.of(List.of(0, 0)))))
                result.add(done(admin.createPartitions(Map.of(topic, partitions)).all()));
            settle();
            return List.of(result, get(admin.describeTopics(List.of(topic)).topicNameValues().get(topic)).partitions().size());
        });
    }

    void offsets() throws Exception {
        run("offsets", "of each kind", () -> {
            var topic = newTopic(1);
            var empty = newTopic(1);
            fill(topic, 10);
            var result = new ArrayList<>();
            for (var spec : List.of(
                OffsetSpec.earliest(), OffsetSpec.latest(), OffsetSpec.maxTimestamp(), OffsetSpec.forTimestamp(EPOCH_MS + 4),
                OffsetSpec.forTimestamp(EPOCH_MS + 99), OffsetSpec.earliestLocal(), OffsetSpec.latestTiered()))
                for (var name : List.of(topic, empty))
                    result.add(outcome(() -> get(admin.listOffsets(Map.of(new TopicPartition(name, 0), spec)).partitionResult(new TopicPartition(name, 0))).toString()));
            return result;
        });
        run("offsets", "of what is unknown", () -> {
            var unknown = new TopicPartition(newTopic(1), 5);
            var result = done(admin.listOffsets(Map.of(unknown, OffsetSpec.latest()), new org.apache.kafka.clients.admin.ListOffsetsOptions().timeoutMs(2000)).all());
            // The client asks until its time-out. Then it throws the last error, or, while a request is open, the time-out.
            return List.of("UnknownTopicOrPartitionException", "TimeoutException").contains(result) ? "refused until the time is over" : result;
        });
        run("offsets", "delete records", () -> {
            var topic = newTopic(1);
            var partition = new TopicPartition(topic, 0);
            fill(topic, 10);
            var result = new ArrayList<>();
            for (var before : List.of(4L, 2L, 99L, -1L, -7L))
                result.add(outcome(() -> get(admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(before))).lowWatermarks().get(partition)).lowWatermark()));
            return result;
        });
    }

    /** Values with their sources; of the defaults that an altered one hides only those that are no default. */
    Object configs(ConfigResource resource, String... names) throws Exception {
        var options = new DescribeConfigsOptions().includeSynonyms(true);
        var config = get(admin.describeConfigs(List.of(resource), options).values().get(resource));
        var found = new TreeMap<String, Object>();
        for (var entry : config.entries())
            if (names.length == 0 || List.of(names).contains(entry.name()))
                found.put(entry.name(), Arrays.asList(
                    entry.value(), entry.source().name(), entry.isReadOnly(), entry.isSensitive(), entry.type().name(),
                    entry.synonyms().stream().filter(each -> each.source() != ConfigEntry.ConfigSource.DEFAULT_CONFIG).map(each -> each.name() + "=" + each.value() + " " + each.source()).toList()));
        return found;
    }

    void configs() throws Exception {
        run("configs", "of a topic: all, with synonyms and types", () -> configs(new ConfigResource(ConfigResource.Type.TOPIC, newTopic(1, "retention.ms", "5000"))));
        run("configs", "set, append, subtract, delete; wrong ones", () -> {
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, newTopic(1));
            var result = new ArrayList<>();
            for (var change : List.of(
                List.of("cleanup.policy", "compact", "APPEND"), List.of("cleanup.policy", "delete", "SUBTRACT"), List.of("cleanup.policy", "", "DELETE"),
                List.of("retention.ms", "7", "SET"), List.of("retention.ms", "8", "APPEND"), List.of("retention.ms", "soon", "SET"),
                List.of("no.such", "1", "SET"), List.of("retention.ms", "", "DELETE"), List.of("cleanup.policy", "compact", "SUBTRACT"))) {
                var op = new AlterConfigOp(new ConfigEntry(change.get(0), change.get(1)), AlterConfigOp.OpType.valueOf(change.get(2)));
                var changed = done(admin.incrementalAlterConfigs(Map.of(resource, List.of(op))).all());
                settle();
                result.add(List.of(changed, configs(resource, "cleanup.policy", "retention.ms")));
            }
            return result;
        });
        run("configs", "the same twice in one call", () -> {
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, newTopic(1));
            Collection<AlterConfigOp> ops = List.of(
                new AlterConfigOp(new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET), new AlterConfigOp(new ConfigEntry("retention.ms", "2"), AlterConfigOp.OpType.SET));
            return done(admin.incrementalAlterConfigs(Map.of(resource, ops)).all());
        });
        run("configs", "of what is unknown", () -> {
            var result = new ArrayList<>();
            for (var resource : List.of(
                new ConfigResource(ConfigResource.Type.TOPIC, me + "-unknown"), new ConfigResource(ConfigResource.Type.TOPIC, "a/b"))) {
                result.add(outcome(() -> ((Map<?, ?>) configs(resource)).isEmpty()));
                var op = new AlterConfigOp(new ConfigEntry("retention.ms", "1"), AlterConfigOp.OpType.SET);
                result.add(done(admin.incrementalAlterConfigs(Map.of(resource, List.of(op))).all()));
            }
            return result;
        });
        run("configs", "of a group", () -> configs(new ConfigResource(ConfigResource.Type.GROUP, me + "-unknown")));
        run("configs", "delete one that no topic has", () -> {
            var resource = new ConfigResource(ConfigResource.Type.TOPIC, newTopic(1));
            var unset = new AlterConfigOp(new ConfigEntry("no.such", ""), AlterConfigOp.OpType.DELETE);
            return done(admin.incrementalAlterConfigs(Map.of(resource, List.of(unset))).all());
        });
        run("configs", "of the broker: a default of topics is altered, and topics follow", () -> {
            var broker = new ConfigResource(ConfigResource.Type.BROKER, "");
            var topic = new ConfigResource(ConfigResource.Type.TOPIC, newTopic(1));
            var set = new AlterConfigOp(new ConfigEntry("log.segment.bytes", "5000000"), AlterConfigOp.OpType.SET);
            var unset = new AlterConfigOp(new ConfigEntry("log.segment.bytes", ""), AlterConfigOp.OpType.DELETE);
            var result = new ArrayList<>();
            result.add(done(admin.incrementalAlterConfigs(Map.of(broker, List.of(set))).all()));
            settle();
            result.add(configs(topic, "segment.bytes"));
            result.add(done(admin.incrementalAlterConfigs(Map.of(broker, List.of(unset))).all()));
            settle();
            result.add(configs(topic, "segment.bytes"));
            var fixed = new AlterConfigOp(new ConfigEntry("num.partitions", "3"), AlterConfigOp.OpType.SET);
            result.add(done(admin.incrementalAlterConfigs(Map.of(broker, List.of(fixed))).all()));
            return result;
        });
        run("configs", "resources that have some", () -> {
            var topic = newTopic(1, "retention.ms", "1");
            var found = get(admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new org.apache.kafka.clients.admin.ListConfigResourcesOptions()).all());
            return found.contains(new ConfigResource(ConfigResource.Type.TOPIC, topic));
        });
    }

    void groups() throws Exception {
        run("group admin", "offsets: alter, list, delete", () -> {
            var topic = newTopicOfGroups(2);
            var group = newName();
            var partitions = List.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1), new TopicPartition(topic, 7));
            var offsets = new HashMap<TopicPartition, OffsetAndMetadata>();
            for (var each : partitions) offsets.put(each, new OffsetAndMetadata(5, Optional.of(0), "note"));
            var altered = admin.alterConsumerGroupOffsets(group, offsets);
            var result = new ArrayList<>();
            for (var each : partitions) result.add(done(altered.partitionResult(each)));
            result.add(offsetsOf(group));
            var deleted = admin.deleteConsumerGroupOffsets(group, Set.of(partitions.get(0), partitions.get(2)));
            result.add(done(deleted.partitionResult(partitions.get(0))));
            result.add(done(deleted.partitionResult(partitions.get(2))));
            result.add(offsetsOf(group));
            result.add(done(admin.deleteConsumerGroupOffsets(me + "-unknown", Set.of(partitions.get(0))).all()));
            return result;
        });
        run("group admin", "in use: describe, list by state and type, alter, delete offsets, remove the member, delete", () -> {
            var topic = newTopic(1);
            var group = newName();
            var partition = new TopicPartition(topic, 0);
            var result = new ArrayList<>();
            try (var member = consumer("group.id", group, "group.instance.id", "one")) {
                member.subscribe(List.of(topic));
                Members.poll(List.of(member), () -> !member.assignment().isEmpty());
                member.commitSync(Map.of(partition, new OffsetAndMetadata(0)));
                var found = get(admin.describeConsumerGroups(List.of(group)).describedGroups().get(group));
                result.add(found.members().stream().map(each -> List.of(
                    each.groupInstanceId().orElse(""), each.clientId(), each.host(), each.assignment().topicPartitions().size())).toList());
                result.add(List.of(found.partitionAssignor(), found.groupState().name(), found.type().name(), found.coordinator().id()));
                for (var state : org.apache.kafka.common.GroupState.values())
                    if (get(admin.listGroups(new ListGroupsOptions().inGroupStates(Set.of(state))).all()).stream().anyMatch(each -> each.groupId().equals(group)))
                        result.add(state.name());
                for (var type : org.apache.kafka.common.GroupType.values())
                    if (type != org.apache.kafka.common.GroupType.UNKNOWN && get(admin.listGroups(new ListGroupsOptions().withTypes(Set.of(type))).all()).stream().anyMatch(each -> each.groupId().equals(group)))
                        result.add(type.name());
                result.add(done(admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(1))).all()));
                result.add(done(admin.deleteConsumerGroupOffsets(group, Set.of(partition)).partitionResult(partition)));
                result.add(done(admin.deleteConsumerGroups(List.of(group)).all()));
                var remove = new RemoveMembersFromConsumerGroupOptions(List.of(new MemberToRemove("one"), new MemberToRemove("two")));
                var removed = admin.removeMembersFromConsumerGroup(group, remove);
                result.add(done(removed.memberResult(new MemberToRemove("one"))));
                result.add(done(removed.memberResult(new MemberToRemove("two"))));
            }
            result.add(done(admin.deleteConsumerGroups(List.of(group)).all()));
            result.add(done(admin.deleteConsumerGroups(List.of(group)).all()));
            result.add(done(admin.describeConsumerGroups(List.of(group)).all()));
            return result;
        });
    }

    Object offsetsOf(String group) throws Exception {
        var found = new TreeMap<String, Object>();
        get(admin.listConsumerGroupOffsets(Map.of(group, new ListConsumerGroupOffsetsSpec())).partitionsToOffsetAndMetadata(group))
            .forEach((partition, offset) -> found.put(partition.toString(), offset == null ? "none" : offset.toString()));
        return found;
    }

    void transactions() throws Exception {
        run("transaction admin", "list, describe, producers of a partition, abort a hanging one", () -> {
            var topic = newTopicOfHanging();
            var id = newName();
            var partition = new TopicPartition(topic, 0);
            var result = new ArrayList<>();
            try (var producer = producer("transactional.id", id)) {
                producer.initTransactions();
                result.add(states(id));
                producer.beginTransaction();
                Clients.send(producer, topic, 0, 2, 0);
                result.add(states(id));
                var described = get(admin.describeTransactions(List.of(id)).description(id));
                result.add(List.of(described.state().name(), described.topicPartitions().toString(), described.coordinatorId(), described.transactionTimeoutMs(), described.transactionStartTimeMs().isPresent()));
                var active = get(admin.describeProducers(List.of(partition)).partitionResult(partition)).activeProducers();
                result.add(active.stream().map(each -> List.of(
                    each.producerEpoch(), each.lastSequence(), each.coordinatorEpoch().orElse(-1), each.currentTransactionStartOffset().orElse(-1))).toList());
                var producerState = active.get(0);
                var spec = new AbortTransactionSpec(partition, producerState.producerId(), (short) producerState.producerEpoch(), producerState.coordinatorEpoch().orElse(0));
                result.add(done(admin.abortTransaction(spec).all()));
                result.add(read(topic, 1, "isolation.level", "read_committed"));
                result.add(outcome(() -> {
                    producer.commitTransaction();
                    return "committed";
                }));
            }
            // The markers follow the commit.
            until(() -> states(id).equals(List.of("COMPLETE_COMMIT")));
            result.add(states(id));
            result.add(done(admin.describeTransactions(List.of(me + "-unknown")).all()));
            return result;
        });
        run("transaction admin", "fence producers", () -> {
            var topic = newTopic(1);
            var id = newName();
            try (var producer = producer("transactional.id", id)) {
                producer.initTransactions();
                var fenced = done(admin.fenceProducers(List.of(id)).all());
                var refused = outcome(() -> {
                    producer.beginTransaction();
                    var sent = Clients.send(producer, topic, 0, 1, 0);
                    producer.commitTransaction();
                    return sent;
                });
                return List.of(fenced, refused);
            }
        });
    }

    Object states(String id) throws Exception {
        return get(admin.listTransactions().all()).stream().filter(each -> each.transactionalId().equals(id)).map(each -> each.state().name()).toList();
    }

    void cluster() throws Exception {
        run("cluster", "nodes and controller", () -> {
            var found = admin.describeCluster();
            return List.of(get(found.nodes()).stream().map(each -> List.of(each.id(), each.host(), each.isFenced())).toList(), get(found.controller()).id());
        });
        run("cluster", "finalized features", () -> {
            var features = get(admin.describeFeatures().featureMetadata()).finalizedFeatures();
            return List.of(String.valueOf(features.get("transaction.version")), features.containsKey("metadata.version"));
        });
        run("cluster", "log directories", () -> {
            var topic = newTopic(1);
            fill(topic, 3);
            var found = get(admin.describeLogDirs(List.of(0)).allDescriptions()).get(0);
            return found.values().stream().map(each -> {
                var replica = each.replicaInfos().get(new TopicPartition(topic, 0));
                return Arrays.asList(String.valueOf(each.error()), replica.size() > 0, replica.offsetLag(), replica.isFuture(), each.totalBytes().isPresent());
            }).toList();
        });
        run("cluster", "elect leaders, reassign partitions", () -> {
            var partition = new TopicPartition(newTopic(1), 0);
            var unknown = new TopicPartition(me + "-unknown", 0);
            var result = new ArrayList<>();
            for (var type : ElectionType.values())
                for (var each : List.of(partition, unknown))
                    result.add(outcome(() -> {
                        var error = get(admin.electLeaders(type, Set.of(each)).partitions()).get(each);
                        return error == null ? "none" : error.map(Cases::nameOf).orElse("elected");
                    }));
            result.add(outcome(() -> get(admin.listPartitionReassignments().reassignments()).toString()));
            for (var replicas : List.of(List.of(0), List.of(9), List.<Integer>of(), List.of(0, 0)))
                result.add(outcome(() -> done(admin.alterPartitionReassignments(Map.of(partition, Optional.of(new NewPartitionReassignment(replicas)))).all())));
            result.add(done(admin.alterPartitionReassignments(Map.of(partition, Optional.empty())).all()));
            result.add(done(admin.alterPartitionReassignments(Map.of(unknown, Optional.empty())).all()));
            return result;
        });
    }
}
