import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * A producer that does what each line of its input says, and prints a line of JSON with the outcome. Called with a
 * bootstrap address, its transactional id and a topic.
 */
final class TransactionalProducer extends Cases {
    TransactionalProducer(String[] args) {
        super(new String[] {args[0], args[1]});
    }

    public static void main(String[] args) throws Exception {
        new TransactionalProducer(args).obey(args[2]);
        System.exit(0);
    }

    void obey(String topic) throws Exception {
        var producer = producer("transactional.id", me, "max.block.ms", "60000");
        var input = new BufferedReader(new InputStreamReader(System.in));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            var words = line.split(" ");
            var answer = outcome(() -> {
                switch (words[0]) {
                    case "init" -> producer.initTransactions();
                    case "begin" -> producer.beginTransaction();
                    case "send" -> get(producer.send(new ProducerRecord<>(topic, words[1])));
                    case "commit" -> producer.commitTransaction();
                    default -> producer.abortTransaction();
                }
                return "done";
            });
            RESULTS.println(JSON.writeValueAsString(Map.of("answer", answer)));
        }
    }
}
