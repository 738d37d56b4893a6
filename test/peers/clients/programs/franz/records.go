package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Records, producing, reading, offsets.
func records() {
	names := []string{"none", "gzip", "snappy", "lz4", "zstd"}
	for n, codec := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		run("codecs", names[n], func(ctx context.Context) any {
			topic := newTopic(ctx, 1)
			produce(ctx, numbered(topic, 50, 0), kgo.ProducerBatchCompression(codec))
			return each(read(ctx, topic, 1))
		})
	}
	run("records", "null keys, null values, headers", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		headers := []kgo.RecordHeader{{Key: "a"}, {Key: "a", Value: []byte{}}, {Key: "grüße", Value: []byte("x")}}
		produce(ctx, []*kgo.Record{{Topic: topic, Value: []byte("v")}, {Topic: topic, Key: []byte("k")},
			{Topic: topic, Key: []byte{}, Value: []byte{}, Headers: headers}})
		return each(read(ctx, topic, 1))
	})
	run("records", "one of 900 KB", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		produce(ctx, []*kgo.Record{{Topic: topic, Value: bytes.Repeat([]byte("x"), 900_000)}})
		return each(read(ctx, topic, 1))
	})
	run("records", "ten thousand", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		produce(ctx, numbered(topic, 10_000, 0))
		return len(read(ctx, topic, 1))
	})
	run("records", "by the log's time (LogAppendTime)", func(ctx context.Context) any {
		topic := newTopic(ctx, 1, "message.timestamp.type", "LogAppendTime")
		produce(ctx, numbered(topic, 2, 0))
		return each(read(ctx, topic, 1))
	})
	for n, acks := range []kgo.Acks{kgo.NoAck(), kgo.LeaderAck(), kgo.AllISRAcks()} {
		run("produce", "acks "+[]string{"0", "1", "all"}[n], func(ctx context.Context) any {
			topic := newTopic(ctx, 1)
			produce(ctx, numbered(topic, 2, 0), kgo.RequiredAcks(acks), kgo.DisableIdempotentWrite())
			// Without acks, nobody says when the broker has them.
			until(ctx, func() bool {
				found, err := admin.ListEndOffsets(ctx, topic)
				must(err)
				end, _ := found.Lookup(topic, 0)
				return end.Offset >= 2
			})
			return len(read(ctx, topic, 1))
		})
	}
	run("produce", "too large for the topic", func(ctx context.Context) any {
		topic := newTopic(ctx, 1, "max.message.bytes", "500")
		return produce(ctx, []*kgo.Record{{Topic: topic, Value: bytes.Repeat([]byte("x"), 1000)}}, kgo.ProducerBatchCompression(kgo.NoCompression()))
	})
	run("produce", "outside the times that the topic admits", func(ctx context.Context) any {
		topic := newTopic(ctx, 1, "message.timestamp.before.max.ms", "1000")
		return produce(ctx, numbered(topic, 1, 0))
	})
	run("produce", "to a topic that is not there, and one of an invalid name", func(ctx context.Context) any {
		unknown := kgo.UnknownTopicRetries(2)
		return list{produce(ctx, numbered(newName(), 1, 0), unknown), produce(ctx, numbered("a/b", 1, 0), unknown),
			produce(ctx, numbered(newName(), 1, 0), kgo.AllowAutoTopicCreation())}
	})
	run("produce", "without a key to a compacted topic", func(ctx context.Context) any {
		topic := newTopic(ctx, 1, "cleanup.policy", "compact")
		return produce(ctx, []*kgo.Record{{Topic: topic, Value: []byte("v")}})
	})
	run("produce", "by key", func(ctx context.Context) any {
		topic := newTopic(ctx, 4)
		producer := client(kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
		defer producer.Close()
		var found []*kgo.Record
		for n := range 30 {
			found = append(found, record(topic, 0, n))
		}
		send(ctx, producer, found)
		return each(read(ctx, topic, 4))
	})
	run("offsets", "of each kind", func(ctx context.Context) any {
		topic, empty := newTopic(ctx, 1), newTopic(ctx, 1)
		produce(ctx, numbered(topic, 10, 0))
		result := list{}
		for _, at := range []int64{-2, -1, -3, -4, -5, epochMs + 4, epochMs + 99} {
			for _, name := range []string{topic, empty} {
				found, err := admin.ListOffsetsAfterMilli(ctx, at, name)
				if at < 0 {
					found, err = listSpecial(ctx, at, name)
				}
				must(err)
				offset, _ := found.Lookup(name, 0)
				result = append(result, list{offset.Offset, offset.Timestamp, offset.LeaderEpoch, nameOf(offset.Err)})
			}
		}
		return result
	})
	run("consume", "at offsets: exact, after a time, from the end", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		produce(ctx, numbered(topic, 10, 0))
		result := list{}
		for _, at := range []kgo.Offset{kgo.NewOffset().At(7), kgo.NewOffset().AfterMilli(epochMs + 8), kgo.NewOffset().AtEnd().Relative(-2)} {
			reader := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: at}}))
			result = append(result, each(reader.PollFetches(ctx).Records()))
			reader.Close()
		}
		return result
	})
	run("consume", "past the end: reset", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		produce(ctx, numbered(topic, 3, 0))
		start := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().At(99)}}
		reader := client(kgo.ConsumePartitions(start), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		defer reader.Close()
		return each(reader.PollFetches(ctx).Records())
	})
	run("consume", "forty partitions", func(ctx context.Context) any {
		topic := newTopic(ctx, 40)
		var sent []*kgo.Record
		for n := range 40 {
			sent = append(sent, record(topic, int32(n), n))
		}
		produce(ctx, sent)
		return each(read(ctx, topic, 40))
	})
	run("consume", "records that were deleted are skipped", func(ctx context.Context) any {
		topic := newTopic(ctx, 1)
		produce(ctx, numbered(topic, 10, 0))
		var offsets kadm.Offsets
		offsets.Add(kadm.Offset{Topic: topic, Partition: 0, At: 7})
		deleted, err := admin.DeleteRecords(ctx, offsets)
		must(err)
		answer, _ := deleted.Lookup(topic, 0)
		return list{answer.LowWatermark, nameOf(answer.Err), each(read(ctx, topic, 1))}
	})
	run("metadata", "of topics: made, unknown", func(ctx context.Context) any {
		topic := newTopic(ctx, 2)
		found, err := admin.Metadata(ctx, topic, me+"-unknown")
		must(err)
		result := list{found.Controller, len(found.Brokers)}
		for _, name := range []string{topic, me + "-unknown"} {
			detail := found.Topics[name]
			result = append(result, list{nameOf(detail.Err), detail.IsInternal, len(detail.Partitions), fmt.Sprint(detail.Partitions.NumReplicas())})
		}
		return result
	})
}

// The offsets that have a name instead of a time.
func listSpecial(ctx context.Context, at int64, topic string) (kadm.ListedOffsets, error) {
	switch at {
	case -2:
		return admin.ListStartOffsets(ctx, topic)
	case -1:
		return admin.ListEndOffsets(ctx, topic)
	case -3:
		return admin.ListMaxTimestampOffsets(ctx, topic)
	case -4:
		return admin.ListLocalLogStartOffsets(ctx, topic)
	default:
		return admin.ListLatestRemoteOffsets(ctx, topic)
	}
}
