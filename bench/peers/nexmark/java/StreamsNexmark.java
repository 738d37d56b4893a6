import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.kstream.Suppressed.BufferConfig;

/**
 * Queries of Nexmark in Kafka Streams, exactly once, with its defaults. Only what a query needs goes through a repartition topic.
 * Arguments: query, brokers, topic of the results, folder for state. Runs until it is killed.
 */
public class StreamsNexmark {
    static final ObjectMapper json = new ObjectMapper();
    static final Duration tenSeconds = Duration.ofSeconds(10);
    /** An input may be read to its end before the other has gone through a repartition topic. */
    static final Duration grace = Duration.ofHours(1);
    /** Longer than any auction. */
    static final Duration auctionMax = Duration.ofSeconds(1);
    static final Serde<byte[]> bytes = Serdes.ByteArray();
    static final Serde<String> text = Serdes.String();
    static final Serde<Long> number = Serdes.Long();

    record Offer(long price, long dateTime) {}

    record Lot(long category, long dateTime, long expires) {}

    record Winner(long category, long price) {}

    record Average(long sum, long count) {}

    record Count(long auction, long count) {}

    record Hot(long count, List<Long> auctions) {}

    record High(long price, List<byte[]> rows) {}

    public static void main(String[] arguments) throws Exception {
        var settings = new Properties();
        settings.putAll(Map.of(
            StreamsConfig.APPLICATION_ID_CONFIG, arguments[2],
            StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[1],
            StreamsConfig.STATE_DIR_CONFIG, arguments[3],
            StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2,
            StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class,
            "auto.offset.reset", "earliest"
        ));
        var builder = new StreamsBuilder();
        rows(arguments[0], builder).to(arguments[2], Produced.valueSerde(bytes));
        new KafkaStreams(builder.build(), settings).start();
        Thread.currentThread().join();
    }

    static KStream<String, byte[]> rows(String query, StreamsBuilder builder) {
        return switch (query) {
            case "q0" -> bids(builder).mapValues(b -> Events.row(b.auction, b.bidder, b.price, b.dateTime, b.extra));
            case "q1" -> bids(builder).mapValues(b -> Events.row(b.auction, b.bidder, 0.908 * b.price, b.dateTime));
            case "q2" -> bids(builder).filter((key, b) -> b.auction % 123 == 0).mapValues(b -> Events.row(b.auction, b.price));
            case "q4" -> averages(builder);
            case "q5" -> hotItems(bids(builder));
            case "q7" -> highestBids(bids(builder));
            case "q8" -> newSellers(builder);
            case "q11" -> sessions(bids(builder));
            case "q18" -> lastBids(bids(builder));
            default -> throw new IllegalArgumentException(query);
        };
    }

    static KStream<String, Events.Bid> bids(StreamsBuilder builder) {
        return builder.stream("bids", Consumed.with(text, bytes)).mapValues(Events::bid);
    }

    static KStream<String, Events.Auction> auctions(StreamsBuilder builder) {
        return builder.stream("auctions", Consumed.with(text, bytes)).mapValues(Events::auction);
    }

    /** The average of the winning bids, by category. The keys of auctions are their ids. */
    static KStream<String, byte[]> averages(StreamsBuilder builder) {
        var lots = auctions(builder).mapValues(a -> new Lot(a.category, a.dateTime, a.expires));
        return bids(builder)
            .map((key, b) -> KeyValue.pair("" + b.auction, new Offer(b.price, b.dateTime)))
            .join(
                lots,
                (offer, lot) -> offer.dateTime >= lot.dateTime && offer.dateTime <= lot.expires ? new Winner(lot.category, offer.price) : null,
                JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO, grace).before(auctionMax),
                StreamJoined.with(text, serde(Offer.class), serde(Lot.class))
            )
            .filter((auction, winner) -> winner != null)
            .groupByKey(Grouped.with(text, serde(Winner.class)))
            .reduce((best, next) -> next.price > best.price ? next : best)
            .groupBy((auction, winner) -> KeyValue.pair("" + winner.category, winner.price), Grouped.with(text, number))
            .aggregate(
                () -> new Average(0, 0),
                (category, price, all) -> new Average(all.sum + price, all.count + 1),
                (category, price, all) -> new Average(all.sum - price, all.count - 1),
                Materialized.with(text, serde(Average.class))
            )
            .toStream()
            .mapValues((category, all) -> Events.row(Long.parseLong(category), (double) all.sum / all.count));
    }

    /** The auctions with the most bids of ten seconds, every two. */
    static KStream<String, byte[]> hotItems(KStream<String, Events.Bid> bids) {
        return bids
            .map((key, b) -> KeyValue.pair("" + b.auction, new byte[0]))
            .groupByKey(Grouped.with(text, bytes))
            .windowedBy(TimeWindows.ofSizeWithNoGrace(tenSeconds).advanceBy(Duration.ofSeconds(2)))
            .count(Materialized.with(text, number))
            .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            .toStream((window, count) -> window)
            .map((window, count) -> KeyValue.pair("" + window.window().start(), new Count(Long.parseLong(window.key()), count)))
            .groupByKey(Grouped.with(text, serde(Count.class)))
            .aggregate(() -> new Hot(0, List.of()), (start, next, most) -> hotter(most, next), Materialized.with(text, serde(Hot.class)))
            .toStream()
            .mapValues((start, most) -> Events.row(Long.parseLong(start), most.count, Events.list(most.auctions)));
    }

    static Hot hotter(Hot most, Count next) {
        if (next.count < most.count) return most;
        var auctions = next.count > most.count ? new ArrayList<Long>() : new ArrayList<>(most.auctions);
        auctions.add(next.auction);
        return new Hot(next.count, auctions);
    }

    /** The highest bids of each ten seconds. */
    static KStream<String, byte[]> highestBids(KStream<String, Events.Bid> bids) {
        return bids
            .map((key, b) -> KeyValue.pair("all", new High(b.price, List.of(Events.row(b.auction, b.price, b.bidder, b.dateTime)))))
            .groupByKey(Grouped.with(text, serde(High.class)))
            .windowedBy(TimeWindows.ofSizeWithNoGrace(tenSeconds))
            .reduce((highest, next) -> higher(highest, next), Materialized.with(text, serde(High.class)))
            .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            .toStream((window, highest) -> window.key())
            .flatMapValues(highest -> highest.rows);
    }

    static High higher(High highest, High next) {
        if (next.price != highest.price) return next.price > highest.price ? next : highest;
        var rows = new ArrayList<>(highest.rows);
        rows.addAll(next.rows);
        return new High(next.price, rows);
    }

    /** Who came, and opened an auction in the same ten seconds, which are part of the key: there is no join of aligned windows. */
    static KStream<String, byte[]> newSellers(StreamsBuilder builder) {
        var sellers = auctions(builder).map((key, a) -> KeyValue.pair(a.seller + " " + a.dateTime / tenSeconds.toMillis(), a.id));
        return builder
            .stream("people", Consumed.with(text, bytes))
            .mapValues(Events::person)
            .map((key, p) -> KeyValue.pair(p.id + " " + p.dateTime / tenSeconds.toMillis(), p.name))
            .join(
                sellers,
                (key, name, auction) -> Events.row(Long.parseLong(key.split(" ")[0]), name, auction),
                JoinWindows.ofTimeDifferenceAndGrace(tenSeconds, grace),
                StreamJoined.with(text, text, number)
            );
    }

    /** The bids of each session of a person. */
    static KStream<String, byte[]> sessions(KStream<String, Events.Bid> bids) {
        return bids
            .map((key, b) -> KeyValue.pair("" + b.bidder, new byte[0]))
            .groupByKey(Grouped.with(text, bytes))
            .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(tenSeconds))
            .count(Materialized.with(text, number))
            .suppress(Suppressed.untilWindowCloses(BufferConfig.unbounded()))
            .toStream()
            .map((session, count) -> {
                var window = session.window();
                return KeyValue.pair(session.key(), Events.row(Long.parseLong(session.key()), count, window.start(), window.end() + tenSeconds.toMillis()));
            });
    }

    /** The last bid of each person for each auction. */
    static KStream<String, byte[]> lastBids(KStream<String, Events.Bid> bids) {
        return bids
            .map((key, b) -> KeyValue.pair(b.bidder + " " + b.auction, Events.row(b.auction, b.bidder, b.price, b.dateTime)))
            .groupByKey(Grouped.with(text, bytes))
            .reduce((before, last) -> last)
            .toStream();
    }

    static <T> Serde<T> serde(Class<T> type) {
        var reader = json.readerFor(type);
        var writer = json.writerFor(type);
        return Serdes.serdeFrom(
            (topic, value) -> {
                try {
                    return value == null ? null : writer.writeValueAsBytes(value);
                } catch (IOException error) {
                    throw new SerializationException(error);
                }
            },
            (topic, value) -> {
                try {
                    return value == null ? null : reader.readValue(value);
                } catch (IOException error) {
                    throw new SerializationException(error);
                }
            }
        );
    }
}
