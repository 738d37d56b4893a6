import java.util.*;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.*;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.*;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.co.ProcessJoinFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessAllWindowFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.*;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * Queries of Nexmark in Flink's DataStream API, exactly once: one slot, state on the heap, a checkpoint each second. Only what a
 * query needs goes from one task to another. Arguments: query, brokers, topic of the results, folder for checkpoints. Runs until it
 * is killed.
 */
public class FlinkNexmark {
    static final java.time.Duration tenSeconds = java.time.Duration.ofSeconds(10);
    static final java.time.Duration twoSeconds = java.time.Duration.ofSeconds(2);
    /** Longer than any auction. */
    static final java.time.Duration auctionMax = java.time.Duration.ofSeconds(1);

    final StreamExecutionEnvironment environment;
    final String brokers;

    public static void main(String[] arguments) throws Exception {
        var settings = Configuration.fromMap(Map.of(
            "execution.checkpointing.interval", "1s",
            "execution.checkpointing.dir", "file://" + arguments[3],
            "parallelism.default", "1",
            "pipeline.object-reuse", "true"
        ));
        var environment = StreamExecutionEnvironment.createLocalEnvironment(settings);
        new FlinkNexmark(environment, arguments[1]).rows(arguments[0]).sinkTo(sink(arguments[1], arguments[2]));
        environment.execute();
        Thread.currentThread().join();
    }

    FlinkNexmark(StreamExecutionEnvironment environment, String brokers) {
        this.environment = environment;
        this.brokers = brokers;
    }

    DataStream<byte[]> rows(String query) {
        switch (query) {
            case "q0": return bids().map(b -> Events.row(b.auction, b.bidder, b.price, b.dateTime, b.extra));
            case "q1": return bids().map(b -> Events.row(b.auction, b.bidder, 0.908 * b.price, b.dateTime));
            case "q2": return bids().filter(b -> b.auction % 123 == 0).map(b -> Events.row(b.auction, b.price));
            case "q4": return averages();
            case "q5": return hotItems();
            case "q7": return highestBids();
            case "q8": return newSellers();
            case "q11": return sessions();
            case "q18": return lastBids();
            default: throw new IllegalArgumentException(query);
        }
    }

    DataStream<Events.Bid> bids() {
        return read("bids", Events.Bid.class, Events::bid);
    }

    DataStream<Events.Auction> auctions() {
        return read("auctions", Events.Auction.class, Events::auction);
    }

    /** The average of the winning bids, by category. */
    DataStream<byte[]> averages() {
        var lots = auctions()
            .map(a -> Tuple4.of(a.id, a.category, a.dateTime, a.expires))
            .returns(Types.TUPLE(Types.LONG, Types.LONG, Types.LONG, Types.LONG));
        var offers = bids()
            .map(b -> Tuple3.of(b.auction, b.price, b.dateTime))
            .returns(Types.TUPLE(Types.LONG, Types.LONG, Types.LONG));
        return lots
            .keyBy(lot -> lot.f0)
            .intervalJoin(offers.keyBy(offer -> offer.f0))
            .between(java.time.Duration.ZERO, auctionMax)
            .process(new ValidOffers())
            .keyBy(offer -> offer.f0)
            .process(new Winners())
            .keyBy(change -> change.f0)
            .process(new Averages());
    }

    static class ValidOffers extends ProcessJoinFunction<Tuple4<Long, Long, Long, Long>, Tuple3<Long, Long, Long>, Tuple3<Long, Long, Long>> {
        @Override
        public void processElement(Tuple4<Long, Long, Long, Long> lot, Tuple3<Long, Long, Long> offer, Context context, Collector<Tuple3<Long, Long, Long>> out) {
            if (offer.f2 <= lot.f3) out.collect(Tuple3.of(lot.f0, lot.f1, offer.f1));
        }
    }

    /** Changes of the sum and the count of a category. */
    static class Winners extends KeyedProcessFunction<Long, Tuple3<Long, Long, Long>, Tuple3<Long, Long, Long>> {
        transient ValueState<Long> best;

        @Override
        public void open(OpenContext context) {
            best = getRuntimeContext().getState(new ValueStateDescriptor<>("best", Types.LONG));
        }

        @Override
        public void processElement(Tuple3<Long, Long, Long> offer, Context context, Collector<Tuple3<Long, Long, Long>> out) throws Exception {
            var before = best.value();
            if (before != null && offer.f2 <= before) return;
            best.update(offer.f2);
            out.collect(before == null ? Tuple3.of(offer.f1, offer.f2, 1L) : Tuple3.of(offer.f1, offer.f2 - before, 0L));
        }
    }

    static class Averages extends KeyedProcessFunction<Long, Tuple3<Long, Long, Long>, byte[]> {
        transient ValueState<Tuple2<Long, Long>> total;

        @Override
        public void open(OpenContext context) {
            total = getRuntimeContext().getState(new ValueStateDescriptor<>("total", Types.TUPLE(Types.LONG, Types.LONG)));
        }

        @Override
        public void processElement(Tuple3<Long, Long, Long> change, Context context, Collector<byte[]> out) throws Exception {
            var before = total.value();
            var after = before == null ? Tuple2.of(change.f1, change.f2) : Tuple2.of(before.f0 + change.f1, before.f1 + change.f2);
            total.update(after);
            out.collect(Events.row(change.f0, (double) after.f0 / after.f1));
        }
    }

    /** The auctions with the most bids of ten seconds, every two. */
    DataStream<byte[]> hotItems() {
        return bids()
            .map(b -> b.auction)
            .keyBy(auction -> auction)
            .window(SlidingEventTimeWindows.of(tenSeconds, twoSeconds))
            .aggregate(new Count<>(), new CountOfWindow())
            .windowAll(TumblingEventTimeWindows.of(twoSeconds))
            .process(new Hottest());
    }

    static class Count<T> implements AggregateFunction<T, Long, Long> {
        public Long createAccumulator() {
            return 0L;
        }

        public Long add(T one, Long count) {
            return count + 1;
        }

        public Long getResult(Long count) {
            return count;
        }

        public Long merge(Long a, Long b) {
            return a + b;
        }
    }

    static class CountOfWindow extends ProcessWindowFunction<Long, Tuple3<Long, Long, Long>, Long, TimeWindow> {
        @Override
        public void process(Long auction, Context context, Iterable<Long> counts, Collector<Tuple3<Long, Long, Long>> out) {
            out.collect(Tuple3.of(context.window().getStart(), auction, counts.iterator().next()));
        }
    }

    /** The counts of one sliding window end in the same two seconds. */
    static class Hottest extends ProcessAllWindowFunction<Tuple3<Long, Long, Long>, byte[], TimeWindow> {
        @Override
        public void process(Context context, Iterable<Tuple3<Long, Long, Long>> counts, Collector<byte[]> out) {
            long start = 0, most = 0;
            var auctions = new ArrayList<Long>();
            for (var each : counts) {
                start = each.f0;
                if (each.f2 > most) auctions.clear();
                most = Math.max(most, each.f2);
                if (each.f2 == most) auctions.add(each.f1);
            }
            out.collect(Events.row(start, most, Events.list(auctions)));
        }
    }

    /** The highest bids of each ten seconds. */
    DataStream<byte[]> highestBids() {
        return bids()
            .map(b -> Tuple4.of(b.auction, b.price, b.bidder, b.dateTime))
            .returns(Types.TUPLE(Types.LONG, Types.LONG, Types.LONG, Types.LONG))
            .windowAll(TumblingEventTimeWindows.of(tenSeconds))
            .aggregate(new Highest(), Types.LIST(Types.TUPLE(Types.LONG, Types.LONG, Types.LONG, Types.LONG)), Types.LIST(Types.TUPLE(Types.LONG, Types.LONG, Types.LONG, Types.LONG)))
            .flatMap((List<Tuple4<Long, Long, Long, Long>> highest, Collector<byte[]> out) -> {
                for (var b : highest) out.collect(Events.row(b.f0, b.f1, b.f2, b.f3));
            })
            .returns(byte[].class);
    }

    static class Highest implements AggregateFunction<Tuple4<Long, Long, Long, Long>, List<Tuple4<Long, Long, Long, Long>>, List<Tuple4<Long, Long, Long, Long>>> {
        public List<Tuple4<Long, Long, Long, Long>> createAccumulator() {
            return new ArrayList<>();
        }

        public List<Tuple4<Long, Long, Long, Long>> add(Tuple4<Long, Long, Long, Long> bid, List<Tuple4<Long, Long, Long, Long>> highest) {
            long best = highest.isEmpty() ? 0 : highest.get(0).f1;
            if (bid.f1 > best) highest.clear();
            if (bid.f1 >= best) highest.add(bid);
            return highest;
        }

        public List<Tuple4<Long, Long, Long, Long>> getResult(List<Tuple4<Long, Long, Long, Long>> highest) {
            return highest;
        }

        public List<Tuple4<Long, Long, Long, Long>> merge(List<Tuple4<Long, Long, Long, Long>> a, List<Tuple4<Long, Long, Long, Long>> b) {
            for (var bid : b) add(bid, a);
            return a;
        }
    }

    /** Who came, and opened an auction in the same ten seconds. */
    DataStream<byte[]> newSellers() {
        var people = read("people", Events.Person.class, Events::person)
            .map(p -> Tuple2.of(p.id, p.name))
            .returns(Types.TUPLE(Types.LONG, Types.STRING));
        var sellers = auctions()
            .map(a -> Tuple2.of(a.seller, a.id))
            .returns(Types.TUPLE(Types.LONG, Types.LONG));
        return people
            .join(sellers)
            .where(person -> person.f0)
            .equalTo(seller -> seller.f0)
            .window(TumblingEventTimeWindows.of(tenSeconds))
            .apply((Tuple2<Long, String> person, Tuple2<Long, Long> seller) -> Events.row(person.f0, person.f1, seller.f1), TypeInformation.of(byte[].class));
    }

    /** The bids of each session of a person. A record a whole gap later belongs to it; in Flink its gap is 1 ms longer for that. */
    DataStream<byte[]> sessions() {
        return bids()
            .map(b -> b.bidder)
            .keyBy(bidder -> bidder)
            .window(EventTimeSessionWindows.withGap(tenSeconds.plusMillis(1)))
            .aggregate(new Count<>(), new Session());
    }

    static class Session extends ProcessWindowFunction<Long, byte[], Long, TimeWindow> {
        @Override
        public void process(Long bidder, Context context, Iterable<Long> counts, Collector<byte[]> out) {
            out.collect(Events.row(bidder, counts.iterator().next(), context.window().getStart(), context.window().maxTimestamp()));
        }
    }

    /** The last bid of each person for each auction. */
    DataStream<byte[]> lastBids() {
        return bids()
            .map(b -> Tuple4.of(b.auction, b.bidder, b.price, b.dateTime))
            .returns(Types.TUPLE(Types.LONG, Types.LONG, Types.LONG, Types.LONG))
            .keyBy(b -> Tuple2.of(b.f1, b.f0), Types.TUPLE(Types.LONG, Types.LONG))
            .reduce((before, last) -> last)
            .map(b -> Events.row(b.f0, b.f1, b.f2, b.f3));
    }

    interface Parse<T> extends java.io.Serializable {
        T of(byte[] value);
    }

    /** A whole topic, whose records are in the order of their times. */
    <T> DataStream<T> read(String topic, Class<T> type, Parse<T> parse) {
        var source = KafkaSource.<T>builder()
            .setBootstrapServers(brokers)
            .setTopics(topic)
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest())
            .setValueOnlyDeserializer(new Parser<>(type, parse))
            .build();
        return environment.fromSource(source, WatermarkStrategy.forMonotonousTimestamps(), topic);
    }

    static class Parser<T> extends AbstractDeserializationSchema<T> {
        final Parse<T> parse;

        Parser(Class<T> type, Parse<T> parse) {
            super(type);
            this.parse = parse;
        }

        @Override
        public T deserialize(byte[] value) {
            return parse.of(value);
        }
    }

    static KafkaSink<byte[]> sink(String brokers, String topic) {
        return KafkaSink.<byte[]>builder()
            .setBootstrapServers(brokers)
            .setRecordSerializer(KafkaRecordSerializationSchema.<byte[]>builder().setTopic(topic).setValueSerializationSchema(new AsTheyAre()).build())
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix(topic)
            // Kafka's brokers allow no more.
            .setProperty("transaction.timeout.ms", "900000")
            .build();
    }

    static class AsTheyAre implements SerializationSchema<byte[]> {
        @Override
        public byte[] serialize(byte[] row) {
            return row;
        }
    }
}
