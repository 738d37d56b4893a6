package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A member of a group that has members in other languages. Called with a bootstrap address, the group, the topic
// and the assignor. Prints a line of JSON per change of its partitions and per record; leaves when its input
// ends. It commits what it has read when partitions are taken away.
func readAsMember(group, topic, assignor string) {
	balancers := map[string]kgo.GroupBalancer{"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer()}
	held := map[int32]bool{}
	// No rebalance interrupts the loop below: see BlockRebalanceOnPoll.
	change := func(has bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(ctx context.Context, reader *kgo.Client, changed map[string][]int32) {
			if !has {
				must(reader.CommitUncommittedOffsets(ctx))
			}
			for _, partition := range changed[topic] {
				held[partition] = has
			}
			partitions := []int{}
			for partition, has := range held {
				if has {
					partitions = append(partitions, int(partition))
				}
			}
			sort.Ints(partitions)
			say(share{partitions})
		}
	}
	reader := client(kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.Balancers(balancers[assignor]), kgo.BlockRebalanceOnPoll(), kgo.SessionTimeout(6*time.Second),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false)))
	leaving := make(chan struct{})
	go func() {
		_, _ = io.ReadAll(os.Stdin)
		close(leaving)
	}()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		reader.PollRecords(ctx, 10).EachRecord(func(each *kgo.Record) {
			say(place{each.Partition, each.Offset})
		})
		cancel()
		reader.AllowRebalance()
		select {
		case <-leaving:
			reader.Close()
			return
		default:
		}
	}
}

type place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

type share struct {
	Partitions []int `json:"partitions"`
}

func say(line any) {
	text, err := json.Marshal(line)
	must(err)
	fmt.Println(string(text))
}
