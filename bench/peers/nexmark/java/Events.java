import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;

/** The events of Nexmark, and rows of results: JSON on either side. */
public class Events {
    private static final ObjectMapper json = new ObjectMapper();
    private static final ObjectReader bids = json.readerFor(Bid.class);
    private static final ObjectReader auctions = json.readerFor(Auction.class);
    private static final ObjectReader people = json.readerFor(Person.class);

    public static class Bid {
        public long auction, bidder, price, dateTime;
        public String channel, url, extra;
    }

    public static class Auction {
        public long id, initialBid, reserve, dateTime, expires, seller, category;
        public String itemName, description, extra;
    }

    public static class Person {
        public long id, dateTime;
        public String name, emailAddress, creditCard, city, state, extra;
    }

    public static Bid bid(byte[] value) {
        return read(bids, value);
    }

    public static Auction auction(byte[] value) {
        return read(auctions, value);
    }

    public static Person person(byte[] value) {
        return read(people, value);
    }

    public static byte[] row(Object... cells) {
        try {
            return json.writeValueAsBytes(cells);
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Numbers in order, as one cell. */
    public static String list(List<Long> numbers) {
        return numbers.stream().sorted().map(String::valueOf).collect(Collectors.joining(","));
    }

    private static <T> T read(ObjectReader reader, byte[] value) {
        try {
            return reader.readValue(value);
        } catch (IOException error) {
            throw new IllegalArgumentException(error);
        }
    }
}
