"""What it costs to cross into Rust and back, beside a native module that does nothing else."""

import importlib.util

import sessile


def run(bench):
    if not bench.wants("python.border"):
        return
    group = bench.group("python.border")
    store = sessile.Store.open("memory:")
    run = store.execution()
    local = run.local
    value = '"' + "x" * 1022 + '"'
    spec = importlib.util.spec_from_file_location("bare", f"{bench.plan['folder']}/../bare.so")
    bare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bare)

    def put_and_get(_):
        local.put_raw("x", value)
        return local.get_raw("x")

    group.add("sessile contains (an empty session)", lambda _: local.contains("x"))
    group.add("sessile put_raw + get_raw of 1 KB", put_and_get)
    group.add("a bare call", lambda _: bare.empty())
    group.add("a bare call, 1 KB in and out", lambda _: bare.echo(value))
    group.ends.append(store.close)
    group.run()
    run.end()
