from consumers.migrate.core import report


def test_names_what_was_pending_and_what_was_not() -> None:
    assert report(["0002_b", "0001_a"], {"0002_b"}) == {
        "applied": ["0002_b"],
        "already_applied": ["0001_a"],
    }
