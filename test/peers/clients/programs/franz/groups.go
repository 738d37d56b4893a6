package main

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A member with the partitions that it has, and what it read.
type member struct {
	*kgo.Client
	lock    sync.Mutex
	held    map[int32]bool
	records []*kgo.Record
}

func join(group, topic string, options ...kgo.Opt) *member {
	joined := &member{held: map[int32]bool{}}
	change := func(has bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
			joined.lock.Lock()
			defer joined.lock.Unlock()
			for _, partition := range changed[topic] {
				joined.held[partition] = has
			}
		}
	}
	options = append(options, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.SessionTimeout(6*time.Second),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false)))
	joined.Client = client(options...)
	go func() {
		for {
			fetches := joined.PollFetches(context.Background())
			if fetches.IsClientClosed() {
				return
			}
			joined.lock.Lock()
			joined.records = append(joined.records, fetches.Records()...)
			joined.lock.Unlock()
		}
	}()
	return joined
}

func (joined *member) partitions() int {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	count := 0
	for _, has := range joined.held {
		if has {
			count++
		}
	}
	return count
}

func (joined *member) read() []*kgo.Record {
	joined.lock.Lock()
	defer joined.lock.Unlock()
	return joined.records
}

// How many partitions each member has, once that is so.
func sizes(ctx context.Context, members []*member, expected ...int) []int {
	for {
		found := []int{}
		for _, each := range members {
			found = append(found, each.partitions())
		}
		sort.Ints(found)
		if fmt.Sprint(found) == fmt.Sprint(expected) || ctx.Err() != nil {
			return found
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func committed(ctx context.Context, group string) any {
	found, err := admin.FetchOffsets(ctx, group)
	must(err)
	result := list{}
	for _, each := range found.Sorted() {
		// The client commits its member's id, a random one.
		metadata, _, _ := strings.Cut(each.Metadata, "-")
		result = append(result, list{each.Partition, each.At, metadata, each.LeaderEpoch})
	}
	return result
}

func groups() {
	balancers := []kgo.GroupBalancer{kgo.RangeBalancer(), kgo.RoundRobinBalancer(), kgo.StickyBalancer(), kgo.CooperativeStickyBalancer()}
	for _, balancer := range balancers {
		run("groups", "two, three and two members, "+balancer.ProtocolName(), func(ctx context.Context) any {
			topic, group := newTopic(ctx, 6), newName()
			members := []*member{join(group, topic, kgo.Balancers(balancer)), join(group, topic, kgo.Balancers(balancer))}
			result := list{sizes(ctx, members, 3, 3)}
			members = append(members, join(group, topic, kgo.Balancers(balancer)))
			result = append(result, sizes(ctx, members, 2, 2, 2))
			members[0].Close()
			result = append(result, sizes(ctx, members[1:], 3, 3))
			for _, each := range members[1:] {
				each.Close()
			}
			return result
		})
	}
	run("groups", "commits; the next member continues", func(ctx context.Context) any {
		topic, group := newTopic(ctx, 1), newName()
		produce(ctx, numbered(topic, 10, 0))
		first := join(group, topic)
		until(ctx, func() bool { return len(first.read()) >= 10 })
		must(first.CommitRecords(ctx, first.read()[:4]...))
		first.Close()
		second := join(group, topic)
		until(ctx, func() bool { return len(second.read()) >= 6 })
		second.Close()
		return list{each(second.read()), committed(ctx, group)}
	})
	run("groups", "a static member that comes back", func(ctx context.Context) any {
		topic, group := newTopic(ctx, 2), newName()
		first := join(group, topic, kgo.InstanceID("one"))
		sizes(ctx, []*member{first}, 2)
		first.Close()
		second := join(group, topic, kgo.InstanceID("one"))
		result := sizes(ctx, []*member{second}, 2)
		second.Close()
		found, err := admin.DescribeGroups(ctx, group)
		must(err)
		left := admin2leave(ctx, group, "one", "two")
		return list{result, found[group].State, len(found[group].Members), left}
	})
	run("group admin", "describe, list, lag, delete", func(ctx context.Context) any {
		topic, group := newTopic(ctx, 2), newName()
		produce(ctx, numbered(topic, 10, 0))
		busy := join(group, topic)
		sizes(ctx, []*member{busy}, 2)
		until(ctx, func() bool { return len(busy.read()) >= 10 })
		must(busy.CommitRecords(ctx, busy.read()[:4]...))
		lags, err := admin.Lag(ctx, group)
		must(err)
		found := lags[group]
		result := list{found.State, found.Protocol, found.ProtocolType, found.Lag.Total()}
		for _, each := range found.Members {
			result = append(result, list{each.ClientID, each.ClientHost, each.InstanceID})
		}
		refused, _ := admin.DeleteGroup(ctx, group)
		busy.Close()
		listed, err := admin.ListGroups(ctx, "Empty")
		must(err)
		done, _ := admin.DeleteGroup(ctx, group)
		again, _ := admin.DeleteGroup(ctx, group)
		return append(result, nameOf(refused.Err), listed[group].ProtocolType, nameOf(done.Err), nameOf(again.Err))
	})
	run("group admin", "offsets: commit, fetch, delete", func(ctx context.Context) any {
		topic, group := newTopic(ctx, 2), newName()
		settle(ctx)
		var offsets kadm.Offsets
		for partition := range int32(3) {
			offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: 5, LeaderEpoch: 0, Metadata: "note"})
		}
		done, err := admin.CommitOffsets(ctx, group, offsets)
		must(err)
		result := list{}
		for _, each := range done.Sorted() {
			result = append(result, list{each.Partition, nameOf(each.Err)})
		}
		result = append(result, committed(ctx, group))
		partitions := kadm.TopicsSet{}
		partitions.Add(topic, 0)
		deleted, err := admin.DeleteOffsets(ctx, group, partitions)
		must(err)
		return append(result, nameOf(deleted[topic][0]), committed(ctx, group), committed(ctx, newName()))
	})
}

// Makes static members leave, as an administrator does.
func admin2leave(ctx context.Context, group string, instances ...string) any {
	found, err := admin.LeaveGroup(ctx, kadm.LeaveGroup(group).InstanceIDs(instances...))
	must(err)
	result := map[string]any{}
	for name, each := range found {
		result[name] = nameOf(each.Err)
	}
	return result
}
