"""The plan, by example and by property: it touches nothing, so neither do these."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deploy.plan import Deployed, Live, connection_problems, deployed_name, make_plan
from local.manifest import Manifest, Permissions, StreamTrigger, Zip

A_HASH, B_HASH = "a" * 64, "b" * 64


def manifest(name: str, sha256: str = A_HASH, **fields: Any) -> Manifest:
    values: dict[str, Any] = {
        "architecture": "x86_64",
        "environments": None,
        "trigger": None,
        "permissions": Permissions((), None),
        **fields,
    }
    return Manifest(
        name=name,
        handler=f"{name}.handler.run",
        runtime="python3.13",
        zip=Zip(f"{name}.zip", sha256, 1, 1),
        memory=128,
        timeout=3,
        reserved_concurrency=None,
        on_failure=None,
        **values,
    )


def deployed(name: str, sha256: str = A_HASH, **fields: Any) -> Deployed:
    values: dict[str, Any] = {
        "handler": f"{name}.handler.run",
        "runtime": "python3.13",
        "architecture": "x86_64",
        "revision_id": "1",
        "live": Live("1", sha256, "1"),
        **fields,
    }
    return Deployed(**values)


@given(
    st.dictionaries(
        st.sampled_from(["t.a", "t.b", "t.c", "t.d"]),
        st.tuples(
            st.sampled_from([A_HASH, B_HASH]),
            st.sampled_from([None, A_HASH, B_HASH]),
            st.sampled_from([None, ("qa",), ("prod",)]),
        ),
        min_size=1,
    ),
    st.sets(st.sampled_from(["t.a", "t.b", "t.c", "t.d"])),
)
def test_each_function_has_one_place_and_only_what_differs_is_pushed(
    functions: dict[str, tuple[str, str | None, tuple[str, ...] | None]], named: set[str]
) -> None:
    manifests = [manifest(n, here, environments=e) for n, (here, _, e) in functions.items()]
    states = {
        name: None if there is None else deployed(name, there)
        for name, (_, there, _) in functions.items()
    }
    plan = make_plan(manifests, states, "qa", named & functions.keys())
    pushed = {push.name for push in plan.pushes}
    looked_at = named & functions.keys() or functions.keys()
    for name, (here, there, environments) in functions.items():
        allowed = environments in (None, ("qa",)) and name in looked_at
        assert (name in pushed) == (allowed and there not in (None, here))
        assert (name in plan.unchanged) == (allowed and there == here)
        assert (name in plan.left_out) == (environments == ("prod",) and name in looked_at)
    missing = [n for n, (_, there, e) in functions.items() if there is None and e != ("prod",)]
    assert bool(plan.problems) == bool(
        set(missing) & looked_at or (set(plan.left_out) and named & functions.keys())
    )


def test_a_zip_that_is_live_with_an_older_configuration_is_pushed_again() -> None:
    state = deployed("a.b", live=Live("1", A_HASH, "1", configured=False))
    plan = make_plan([manifest("a.b")], {"a.b": state}, "qa")
    assert [push.name for push in plan.pushes] == ["a.b"]
    assert plan.unchanged == ()


def test_what_holds_for_sandbox_holds_for_each() -> None:
    clear = manifest("t.clear", environments=("sandbox",))
    plan = make_plan([clear], {"t.clear": deployed("t.clear", B_HASH)}, "sandbox-ann")
    assert [push.name for push in plan.pushes] == ["t.clear"]
    assert deployed_name("sandbox-ann", "t.clear") == "sandbox-ann-t-clear"


def test_a_name_that_dist_lacks_is_a_problem() -> None:
    plan = make_plan([manifest("t.a")], {"t.a": deployed("t.a")}, "qa", ["t.b"])
    assert plan.problems == ("t.b is not in dist/: it has t.a",)


def test_a_zip_for_another_configuration_is_a_problem() -> None:
    there = {"architecture": "arm64", "handler": "other.handler", "runtime": "python3.9"}
    states = {"t.a": deployed("t.a", B_HASH, **there)}
    problems = make_plan([manifest("t.a")], states, "qa").problems
    assert len(problems) == 3
    assert "its handler on AWS is other.handler, but the zip needs t.a.handler.run" in problems[0]
    assert "its runtime on AWS is python3.9, but the zip needs python3.13" in problems[1]
    assert "its architecture on AWS is arm64, but the zip needs x86_64" in problems[2]


def test_connections_are_shards_times_factor_of_all_consumers_with_a_database() -> None:
    def consumer(name: str, stream: str, factor: int, **fields: Any) -> Manifest:
        trigger = StreamTrigger(
            stream, 1, 0, factor, -1, -1, False, 0, (), None, "LATEST", None
        )  # fmt: skip
        permissions = Permissions((), fields.pop("database", "write"))
        return manifest(name, trigger=trigger, permissions=permissions, **fields)

    manifests = [
        consumer("t.a", "logs", 3),
        consumer("t.b", "errors", 2),
        consumer("t.c", "logs", 10, database=None),
        consumer("t.d", "logs", 10, environments=("prod",)),
    ]
    shards = {"logs": 4, "errors": 5}
    assert connection_problems(manifests, "qa", shards, 22) == []
    (problem,) = connection_problems(manifests, "qa", shards, 21)
    assert "22 connections (4 shards of logs x 3 + 5 shards of errors x 2)" in problem
