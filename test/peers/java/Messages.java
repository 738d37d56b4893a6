import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

/**
 * Kafka's messages for messages.test.ts. `definitions NAME…` prints Kafka's own definitions, each followed by a line that is
 * a form feed. `again FILE` reads a message of each line with Kafka's classes and prints it as they write it. A line is a
 * kind, a version and bytes in hexadecimal. The kind is `request` or `response:KEY`, for frames without their length; else
 * it is the class of a structure.
 */
public class Messages {
    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("definitions")) {
            for (int n = 1; n < arguments.length; n++) definition(arguments[n]);
            return;
        }
        var printed = new StringBuilder();
        for (var line : Files.readAllLines(Path.of(arguments[1]))) {
            var words = line.split(" ", -1);
            var bytes = ByteBuffer.wrap(HexFormat.of().parseHex(words[2]));
            printed.append(again(words[0], Short.parseShort(words[1]), bytes)).append('\n');
        }
        System.out.print(printed);
    }

    private static void definition(String name) throws Exception {
        try (var text = Messages.class.getClassLoader().getResourceAsStream("common/message/" + name + ".json")) {
            System.out.println(new String(text.readAllBytes(), StandardCharsets.UTF_8) + "\n\f");
        }
    }

    private static String again(String kind, short version, ByteBuffer bytes) {
        try {
            if (kind.equals("request")) {
                var header = RequestHeader.parse(bytes);
                var message = ApiMessageType.fromApiKey(header.apiKey().id).newRequest();
                return written(header.data(), header.headerVersion()) + reread(message, version, bytes);
            }
            if (kind.startsWith("response:")) {
                var type = ApiMessageType.fromApiKey(Short.parseShort(kind.substring("response:".length())));
                var header = ResponseHeader.parse(bytes, type.responseHeaderVersion(version));
                return written(header.data(), header.headerVersion()) + reread(type.newResponse(), version, bytes);
            }
            var message = (Message) Class.forName(kind).getDeclaredConstructor().newInstance();
            return reread(message, version, bytes);
        } catch (Throwable error) {
            return String.valueOf(error).replace('\n', ' ');
        }
    }

    private static String reread(Message message, short version, ByteBuffer bytes) {
        message.read(new ByteBufferAccessor(bytes), version);
        if (bytes.hasRemaining()) return bytes.remaining() + " bytes are left";
        return written(message, version);
    }

    private static String written(Message message, short version) {
        var cache = new ObjectSerializationCache();
        var bytes = ByteBuffer.allocate(message.size(cache, version));
        message.write(new ByteBufferAccessor(bytes), cache, version);
        return HexFormat.of().formatHex(bytes.array());
    }
}
