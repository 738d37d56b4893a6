import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Map;

/** Requests of test/peers/answering-program.ts: each line of the input is one, as JSON, and each line of the output an answer. */
public class Requests {
    interface Answering {
        Object answer(JsonNode request) throws Exception;
    }

    static void answerAll(Answering program) throws Exception {
        var json = new ObjectMapper();
        var lines = new BufferedReader(new InputStreamReader(System.in));
        // What the peer logs is not an answer.
        var output = System.out;
        System.setOut(System.err);
        for (String line; (line = lines.readLine()) != null; ) {
            String answer;
            try {
                answer = json.writeValueAsString(program.answer(json.readTree(line)));
            } catch (Exception | LinkageError | AssertionError error) {
                error.printStackTrace();
                answer = json.writeValueAsString(Map.of("error", error + ", caused by " + error.getCause()));
            }
            output.println(answer);
        }
    }
}
