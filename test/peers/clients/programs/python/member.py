"""
A member of a group that has members in other languages. Called with a bootstrap address, the group, the topic and
the assignor. Prints a line of JSON per change of its partitions and per record; leaves when its input ends. It
commits what it has read when partitions are taken away.
"""

import json
import sys
import threading

arguments = sys.argv[3:5]
del sys.argv[3:]

from cases import *

topic, assignor = arguments
leaving = threading.Event()


def wait():
    sys.stdin.read()
    leaving.set()


def say(line):
    print(json.dumps(line), flush=True)


def commit(reader, partitions):
    read = [p for p in reader.position(partitions) if p.offset >= 0]
    if read:
        reader.commit(offsets=read, asynchronous=False)


threading.Thread(target=wait, daemon=True).start()
reader = consumer(me, partition_assignment_strategy=assignor)
reader.subscribe([topic], on_revoke=commit)
held = []
while not leaving.is_set():
    message = reader.poll(0.05)
    found = sorted(p.partition for p in reader.assignment())
    if found != held:
        say({"partitions": found})
    held = found
    if message is not None and message.error() is None:
        say({"partition": message.partition(), "offset": message.offset()})
reader.close()
