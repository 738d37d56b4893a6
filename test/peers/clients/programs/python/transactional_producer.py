"""
A producer that does what each line of its input says, and prints a line of JSON with the outcome. Called with a
bootstrap address, its transactional id and a topic.
"""

from cases import *

topic = wanted
producer = Producer({**quiet, "transactional.id": me, "linger.ms": linger_ms})


def sent(value):
    [answer] = send(producer, topic, [{"value": value}])
    return answer if isinstance(answer, str) else "done"


actions = {
    "init": lambda: producer.init_transactions(seconds_max),
    "begin": producer.begin_transaction,
    "commit": lambda: producer.commit_transaction(seconds_max),
    "abort": lambda: producer.abort_transaction(seconds_max),
}
for line in sys.stdin:
    command, *values = line.split()
    answer = outcome(lambda: sent(values[0]) if values else actions[command]())
    print(json.dumps({"answer": answer or "done"}), flush=True)
