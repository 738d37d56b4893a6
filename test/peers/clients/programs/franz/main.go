// The cases of franz-go. The program is called with a bootstrap address, what its topics begin with, and, to try
// a few cases, a part of their names. It prints a line of JSON per case, which holds nothing that differs
// between two brokers that behave alike.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What records are stamped with: no time of the run.
const epochMs = 1_600_000_000_000

// What is only slow, on a busy machine, gets so long.
const patience = 60 * time.Second

var (
	bootstrap = os.Args[1]
	me        = os.Args[2]
	names     int
	admin     = kadm.NewClient(client())
)

type list []any

func client(options ...kgo.Opt) *kgo.Client {
	base := []kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.ClientID("franz"), kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.HeartbeatInterval(200 * time.Millisecond), kgo.MetadataMinAge(20 * time.Millisecond), kgo.RequestRetries(5),
		// Kafka's brokers learn of a topic later than its controller answers.
		kgo.UnknownTopicRetries(40)}
	found, err := kgo.NewClient(append(base, options...)...)
	must(err)
	return found
}

// A failure that ends the case, and is its result.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func run(area, name string, body func(ctx context.Context) any) {
	if len(os.Args) > 3 && !strings.Contains(area+": "+name, os.Args[3]) {
		return
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result := func() (result any) {
		defer func() {
			if err := recover(); err != nil {
				result = nameOf(err)
			}
		}()
		return body(ctx)
	}()
	line := new(bytes.Buffer)
	encoder := json.NewEncoder(line)
	encoder.SetEscapeHTML(false)
	must(encoder.Encode(map[string]any{"area": area, "case": name, "result": result}))
	fmt.Print(line)
	fmt.Fprintf(os.Stderr, "%.2f %s: %s\n", time.Since(begun).Seconds(), area, name)
}

// An error by the name that Kafka gives it; nil stays nil.
func nameOf(failure any) any {
	err, isError := failure.(error)
	if !isError || err == nil {
		if failure == nil {
			return nil
		}
		return fmt.Sprint(failure)
	}
	var known *kerr.Error
	if errors.As(err, &known) {
		return known.Message
	}
	return err.Error()
}

func newName() string {
	names++
	return fmt.Sprintf("%s-%d", me, names)
}

func newTopic(ctx context.Context, partitions int32, configs ...string) string {
	topic := newName()
	settings := map[string]*string{}
	for n := 0; n < len(configs); n += 2 {
		settings[configs[n]] = &configs[n+1]
	}
	made, err := admin.CreateTopic(ctx, partitions, 1, settings, topic)
	must(err)
	must(made.Err)
	// Kafka's broker learns of a topic after its controller has answered.
	until(ctx, func() bool {
		found, err := admin.ListStartOffsets(ctx, topic)
		return err == nil && found.Error() == nil && len(found[topic]) == int(partitions)
	})
	return topic
}

// Waits until the broker has done all that its controller has answered. Kafka's takes changes in order: once it
// has a topic, it has taken all before that; once it has a second one, it is done with them.
func settle(ctx context.Context) {
	newTopic(ctx, 1)
	newTopic(ctx, 1)
}

func until(ctx context.Context, isSo func() bool) {
	for !isSo() {
		must(ctx.Err())
		time.Sleep(20 * time.Millisecond)
	}
}

func record(topic string, partition int32, n int) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Timestamp: time.UnixMilli(int64(epochMs + n)),
		Key: fmt.Appendf(nil, "key %d", n), Value: fmt.Appendf(nil, "value %d", n)}
}

func numbered(topic string, count, begin int) (records []*kgo.Record) {
	for n := begin; n < begin+count; n++ {
		records = append(records, record(topic, 0, n))
	}
	return records
}

func produce(ctx context.Context, records []*kgo.Record, options ...kgo.Opt) (outcomes list) {
	producer := client(append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	defer producer.Close()
	return send(ctx, producer, records)
}

func send(ctx context.Context, producer *kgo.Client, records []*kgo.Record) (outcomes list) {
	for _, result := range producer.ProduceSync(ctx, records...) {
		if result.Err != nil {
			outcomes = append(outcomes, nameOf(result.Err))
		} else {
			outcomes = append(outcomes, result.Record.Offset)
		}
	}
	return outcomes
}

func shown(record *kgo.Record) any {
	text := func(bytes []byte) any {
		if bytes == nil {
			return nil
		}
		if len(bytes) > 100 {
			return len(bytes)
		}
		return string(bytes)
	}
	headers := list{}
	for _, header := range record.Headers {
		headers = append(headers, list{header.Key, text(header.Value)})
	}
	var at any = "now"
	if ms := record.Timestamp.UnixMilli(); ms < epochMs+1_000_000 {
		at = ms
	}
	return list{record.Partition, record.Offset, text(record.Key), text(record.Value), at, record.Attrs.TimestampType(), record.LeaderEpoch, headers}
}

// What a reader of these partitions gets, up to the ends of what is committed.
func read(ctx context.Context, topic string, partitions int32, options ...kgo.Opt) (found []*kgo.Record) {
	starts := map[int32]kgo.Offset{}
	for partition := range partitions {
		starts[partition] = kgo.NewOffset().AtStart()
	}
	// Markers are kept to see how far it is.
	options = append(options, kgo.KeepControlRecords(), kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: starts}))
	reader := client(options...)
	defer reader.Close()
	first, err := admin.ListStartOffsets(ctx, topic)
	must(err)
	end, err := admin.ListCommittedOffsets(ctx, topic)
	must(err)
	missing := map[int32]int64{}
	end.Each(func(each kadm.ListedOffset) {
		if start, _ := first.Lookup(topic, each.Partition); start.Offset < each.Offset {
			missing[each.Partition] = each.Offset
		}
	})
	for len(missing) > 0 && ctx.Err() == nil {
		fetches := reader.PollFetches(ctx)
		fetches.EachRecord(func(each *kgo.Record) {
			if each.Offset+1 >= missing[each.Partition] {
				delete(missing, each.Partition)
			}
			if !each.Attrs.IsControl() {
				found = append(found, each)
			}
		})
	}
	sort.SliceStable(found, func(a, b int) bool { return found[a].Partition < found[b].Partition })
	return found
}

func each(records []*kgo.Record) list {
	result := list{}
	for _, record := range records {
		result = append(result, shown(record))
	}
	return result
}

func main() {
	if len(os.Args) > 4 {
		readAsMember(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	records()
	groups()
	transactions()
	admins()
}
