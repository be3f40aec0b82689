"""A GET step of three fields into a message, as text and as a dict."""

import json

import orjson
import sessile


def run(bench):
    for size, message in bench.payloads["messages"].items():
        if bench.wants(f"python.step.{size}"):
            one(bench, size, message)


def one(bench, size, message):
    group = bench.group(f"python.step.{size}")
    store = sessile.Store.open("memory:")
    run = store.execution()
    put = bench.payloads["put"]
    run.local.put(put)
    step = sessile.Step.parse(bench.payloads["step"])
    as_bytes, as_dict = message.encode(), json.loads(message)
    texts = [orjson.dumps(value) for value in put.values()]

    def with_orjson(_):
        data = orjson.loads(as_bytes)
        data.update(put)
        return orjson.dumps(data)

    def with_json(_):
        data = json.loads(message)
        data.update(put)
        return json.dumps(data)

    assert json.loads(run.step(step, message)) == json.loads(with_json(0)) == run.step(step, as_dict)
    group.add("sessile step, str", lambda _: run.step(step, message))
    group.add("sessile step, bytes", lambda _: run.step(step, as_bytes))
    group.add("orjson: parse, update, print", with_orjson)
    group.add("json: parse, update, print", with_json)
    group.add("sessile step, dict", lambda _: run.step(step, as_dict))
    group.add("orjson: parse of the found fields", lambda _: [orjson.loads(text) for text in texts])
    group.ends.append(store.close)
    group.run()
