"""Drives the Python client for tests: a JSON command a line comes in, a JSON answer a line goes out."""

import concurrent.futures
import dataclasses
import json
import logging
import os
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import edgeloop  # noqa: E402

FLOATS = ("pm_strength", "exposure_skew", "size_frac", "a_final", "e_final")


class Told(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append([record.levelname, record.getMessage()])


def plain(answer):
    if answer is None:
        return None
    if isinstance(answer, edgeloop.Size):
        for name in FLOATS:
            assert type(getattr(answer, name)) is float, f"{name} is no float: {answer}"
        if answer.row is not None:
            required, optional = edgeloop.SizingRow.__required_keys__, edgeloop.SizingRow.__optional_keys__
            assert required <= answer.row.keys() <= required | optional, f"not a SizingRow: {answer.row}"
    fields = dataclasses.asdict(answer)
    age = fields.pop("age_seconds")
    fields["age_ms"] = None if age is None else age * 1000
    return fields


def answered(ask):
    try:
        answer = ask()
    except edgeloop.MalformedCandidate as error:
        return {"malformed": list(error.reasons), "answers": [plain(each) for each in error.answers]}
    return {"answer": [plain(each) for each in answer] if isinstance(answer, list) else plain(answer)}


def told(ask):
    """What has no neutral answer."""
    try:
        return {"told": ask()}
    except edgeloop.NoAnswer as error:
        return {"no_answer": str(error)}
    except edgeloop.MalformedCandidate as error:
        return {"malformed": list(error.reasons)}


def at_once(client, candidates):
    """Each asked in a thread of its own, all at the same moment."""
    gate = threading.Barrier(len(candidates))

    def ask(candidate):
        gate.wait()
        return client.size(candidate)

    with concurrent.futures.ThreadPoolExecutor(len(candidates)) as threads:
        return list(threads.map(ask, candidates))


def in_child(client, candidate):
    """Asked in a process that was forked off."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(plain(client.size(candidate))).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    os.wait()
    return {"answer": json.loads(told)}


def accessors(levers):
    return {
        "trail_mult": levers.multiplier("trail_mult"),
        "entry_delay_bars": levers.addend("entry_delay_bars"),
        "min_ts_for_add": levers.target("min_ts_for_add", 0.6),
    }


def main():
    log = Told()
    logging.getLogger("edgeloop").addHandler(log)
    logging.getLogger("edgeloop").setLevel(logging.INFO)
    client = None
    for line in sys.stdin:
        command = json.loads(line)
        do, given = command["do"], command.get("given")
        if do == "open":
            token = given.pop("access_token", None)
            fails = given.pop("access_token_fails", False)
            if token is not None:
                given["access_token"] = lambda: token
            elif fails:
                given["access_token"] = lambda: {}["token"]
            client = edgeloop.Edgeloop(**given)
            reply = {}
        elif do == "size":
            reply = answered(lambda: client.size(given))
        elif do == "size_many":
            reply = answered(lambda: client.size_many(given))
        elif do == "levers":
            reply = answered(lambda: client.levers(given))
        elif do == "explain":
            reply = told(lambda: client.explain(given))
        elif do == "overrides":
            reply = told(lambda: client.overrides(given))
        elif do == "allocation":
            reply = told(lambda: client.allocation(given["timeframe"], given["scope"]))
        elif do == "config":
            reply = told(lambda: client.config())
        elif do == "unified_scope":
            reply = told(lambda: client.unified_scope(**given))
        elif do == "call":
            reply = told(lambda: client.call(given["rpc"], given["arguments"]))
        elif do == "at_once":
            reply = answered(lambda: at_once(client, given))
        elif do == "in_child":
            reply = in_child(client, given)
        elif do == "accessors":
            reply = accessors(client.levers(given))
        elif do == "close":
            client.close()
            reply = {}
        else:
            reply = {"told": log.lines[:]}
        print(json.dumps(reply), flush=True)


main()
