package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func transactional(ctx context.Context, name string, options ...kgo.Opt) *kgo.Client {
	return client(append(options, kgo.TransactionalID(me+"-"+name), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
}

func seen(ctx context.Context, topic string, partitions int32) any {
	return list{each(read(ctx, topic, partitions, kgo.FetchIsolationLevel(kgo.ReadCommitted()))), each(read(ctx, topic, partitions))}
}

func transactions() {
	run("transactions", "commit, abort, commit", func(ctx context.Context) any {
		topic := newTopic(ctx, 2)
		producer := transactional(ctx, "basic")
		defer producer.Close()
		for n := range 3 {
			must(producer.BeginTransaction())
			send(ctx, producer, append(numbered(topic, 2, 10*n), record(topic, 1, 10*n)))
			must(producer.EndTransaction(ctx, kgo.TransactionEndTry(n != 1)))
		}
		return seen(ctx, topic, 2)
	})
	run("transactions", "a second producer fences the first", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		first, second := transactional(ctx, "fenced"), transactional(ctx, "fenced")
		defer first.Close()
		defer second.Close()
		must(first.BeginTransaction())
		send(ctx, first, numbered(topic, 2, 0))
		must(second.BeginTransaction())
		send(ctx, second, numbered(topic, 1, 10))
		refused := nameOf(first.EndTransaction(ctx, kgo.TryCommit))
		must(second.EndTransaction(ctx, kgo.TryCommit))
		return list{refused, seen(ctx, topic, 1)}
	})
	run("transactions", "reads, writes and offsets together (a group's session)", func(ctx context.Context) any {
		from, to, group := newTopic(ctx, 1), newTopic(ctx, 1), newName()
		produce(ctx, numbered(from, 5, 0))
		session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(from),
			kgo.TransactionalID(me+"-session"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.FetchMaxWait(100*time.Millisecond), kgo.RequireStableFetchOffsets())
		must(err)
		defer session.Close()
		result := list{}
		for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
			fetches := session.PollFetches(ctx)
			for fetches.NumRecords() == 0 {
				must(ctx.Err())
				fetches = session.PollFetches(ctx)
			}
			must(session.Begin())
			fetches.EachRecord(func(each *kgo.Record) {
				session.Produce(ctx, &kgo.Record{Topic: to, Timestamp: each.Timestamp, Key: each.Key, Value: each.Value}, nil)
			})
			isCommitted, err := session.End(ctx, end)
			// Kafka's offsets appear once the markers of the transaction are written.
			until(ctx, func() bool {
				described, err := admin.DescribeTransactions(ctx, me+"-session")
				must(err)
				return strings.HasPrefix(described[me+"-session"].State, "Complete")
			})
			result = append(result, list{isCommitted, nameOf(err), committed(ctx, group)})
		}
		return append(result, each(read(ctx, to, 1, kgo.FetchIsolationLevel(kgo.ReadCommitted()))))
	})
	run("transactions", "thirty, one after the other", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		producer := transactional(ctx, "many")
		defer producer.Close()
		for n := range 30 {
			must(producer.BeginTransaction())
			send(ctx, producer, numbered(topic, 2, 10*n))
			must(producer.EndTransaction(ctx, kgo.TransactionEndTry(n%3 != 0)))
		}
		return seen(ctx, topic, 1)
	})
	run("transaction admin", "list, describe, producers", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		producer := transactional(ctx, "described")
		defer producer.Close()
		must(producer.BeginTransaction())
		send(ctx, producer, numbered(topic, 2, 0))
		described, err := admin.DescribeTransactions(ctx, me+"-described", me+"-unknown")
		must(err)
		result := list{}
		for _, id := range []string{me + "-described", me + "-unknown"} {
			found := described[id]
			result = append(result, list{found.State, found.TimeoutMillis, fmt.Sprint(found.Topics), nameOf(found.Err)})
		}
		listed, err := admin.ListTransactions(ctx, nil, []string{"Ongoing"})
		must(err)
		result = append(result, listed[me+"-described"].State)
		partitions := kadm.TopicsSet{}
		partitions.Add(topic, 0)
		producers, err := admin.DescribeProducers(ctx, partitions)
		must(err)
		for _, found := range producers.SortedProducers() {
			result = append(result, list{found.LastSequence, found.CurrentTxnStartOffset, found.CoordinatorEpoch})
		}
		must(producer.EndTransaction(ctx, kgo.TryAbort))
		return result
	})
}

func admins() {
	run("topics", "create, only validated, twice, of wrong kinds; delete", func(ctx context.Context) any {
		topic := newName()
		result := list{}
		note := func(made kadm.CreateTopicResponses, err error) {
			must(err)
			for _, each := range made.Sorted() {
				result = append(result, list{nameOf(each.Err), each.NumPartitions, each.ReplicationFactor, len(each.Configs) > 0})
			}
		}
		wrong := "soon"
		note(admin.ValidateCreateTopics(ctx, 3, 1, nil, topic))
		note(admin.CreateTopics(ctx, 3, 1, nil, topic))
		note(admin.CreateTopics(ctx, 3, 1, nil, topic))
		note(admin.CreateTopics(ctx, -1, -1, nil, newName()))
		note(admin.CreateTopics(ctx, 0, 1, nil, newName()))
		note(admin.CreateTopics(ctx, 1, 3, nil, newName()))
		note(admin.CreateTopics(ctx, 1, 1, map[string]*string{"retention.ms": &wrong}, newName()))
		note(admin.CreateTopics(ctx, 1, 1, map[string]*string{"retention.ms": nil}, newName()))
		for range 2 {
			deleted, err := admin.DeleteTopics(ctx, topic)
			must(err)
			result = append(result, nameOf(deleted[topic].Err))
		}
		return result
	})
	run("topics", "more partitions", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		result := list{}
		for _, count := range []int{3, 3, 2} {
			grown, err := admin.UpdatePartitions(ctx, count, topic)
			must(err)
			result = append(result, nameOf(grown[topic].Err))
		}
		return result
	})
	run("configs", "set, append, delete; validated; replaced", func(ctx context.Context) any {
		topic := newTopic(ctx, 1, "segment.bytes", "2000000")
		result := list{}
		value := func(text string) *string { return &text }
		note := func(changed kadm.AlterConfigsResponses, err error) {
			must(err)
			settle(ctx)
			found, err := admin.DescribeTopicConfigs(ctx, topic)
			must(err)
			for _, each := range changed {
				result = append(result, nameOf(each.Err))
			}
			sort.Slice(found[0].Configs, func(a, b int) bool { return found[0].Configs[a].Key < found[0].Configs[b].Key })
			for _, each := range found[0].Configs {
				if strings.Contains("retention.ms cleanup.policy segment.bytes", each.Key) {
					result = append(result, list{each.Key, *each.Value, each.Source.String(), len(each.Synonyms)})
				}
			}
		}
		note(admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: value("7")}}, topic))
		note(admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: value("compact")}}, topic))
		note(admin.ValidateAlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: value("8")}}, topic))
		note(admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: value("soon")}}, topic))
		note(admin.AlterTopicConfigsState(ctx, []kadm.AlterConfig{{Name: "retention.ms", Value: value("9")}}, topic))
		return result
	})
	run("cluster", "versions, brokers, log directories", func(ctx context.Context) any {
		topic := newTopic(ctx, 2)
		produce(ctx, numbered(topic, 3, 0))
		brokers, err := admin.ListBrokers(ctx)
		must(err)
		partitions := kadm.TopicsSet{}
		partitions.Add(topic, 0, 1)
		directories, err := admin.DescribeAllLogDirs(ctx, partitions)
		must(err)
		result := list{len(brokers), brokers.NodeIDs()}
		directories.Each(func(directory kadm.DescribedLogDir) {
			result = append(result, list{nameOf(directory.Err), directory.Size() > 0, directory.TotalBytes > 0, len(directory.Topics[topic])})
		})
		return result
	})
	run("cluster", "the end of a leader epoch", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		produce(ctx, numbered(topic, 3, 0))
		request := kadm.OffsetForLeaderEpochRequest{}
		request.Add(topic, 0, 0)
		found, err := admin.OffsetForLeaderEpoch(ctx, request)
		must(err)
		answer := found[topic][0]
		return list{answer.LeaderEpoch, answer.EndOffset, nameOf(answer.Err)}
	})
	run("cluster", "elect leaders, reassign partitions", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		partitions := kadm.TopicsSet{}
		partitions.Add(topic, 0)
		result := list{}
		elected, err := admin.ElectLeaders(ctx, kadm.ElectPreferredReplica, partitions)
		must(err)
		result = append(result, nameOf(elected[topic][0].Err))
		request := kadm.AlterPartitionAssignmentsReq{}
		request.Assign(topic, 0, []int32{0})
		altered, err := admin.AlterPartitionAssignments(ctx, request)
		must(err)
		result = append(result, nameOf(altered[topic][0].Err))
		moving, err := admin.ListPartitionReassignments(ctx, partitions)
		must(err)
		return append(result, len(moving))
	})
}
