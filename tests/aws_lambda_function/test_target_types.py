"""Wrong values fail when the BUILD file is parsed, with AWS's limit in the message."""

import pytest

from tests.aws_lambda_function.conftest import Repository


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('handler="handler.py"', "must end in the format"),
        ('handler="handler.py:other"', "must be 'handler.py:hello'"),
        ("memory=127", "128 to 10240 MB"),
        ("memory=10241", "128 to 10240 MB"),
        ("timeout=0", "1 to 900 seconds"),
        ("timeout=901", "1 to 900 seconds"),
        ("reserved_concurrency=-1", "0 to 900 concurrent"),
        ("reserved_concurrency=901", "0 to 900 concurrent"),
        ('on_failure="arn:aws:sqs:eu-central-1:1:queue"', "the name of a function"),
        ('architecture="i386"', "['arm64', 'x86_64']"),
        ('http="/hello"', "must be a method and a path"),
        ('http=["POST /hello", "FETCH /hello"]', "'FETCH /hello'"),
        ('http="GET /", timeout=31', "gives up after 30 seconds"),
        ('schedule="rate(1 days)"', "plural above 1"),
        ('schedule="cron(0 3 * * *)"', "six fields"),
        ('stream="no spaces"', "letters, digits"),
        ('stream="errors", batch_size=0', "1 to 10000 records"),
        ('stream="errors", batch_size=10001', "1 to 10000 records"),
        ('stream="errors", batching_window=301', "0 to 300 seconds"),
        ('stream="errors", parallelization_factor=11', "1 to 10 concurrent"),
        ('stream="errors", maximum_retry_attempts=10001', "or -1 for no limit"),
        ('stream="errors", maximum_record_age=59', "60 to 604800 seconds, or -1"),
        ('stream="errors", tumbling_window=901', "0 to 900 seconds"),
        ('stream="errors", tumbling_window=60, parallelization_factor=2', "of a whole shard"),
        ("""stream="errors", filters=['{"data": {}}'] * 6""", "AWS takes 5"),
        ("""stream="errors", filters=['{"partitionKey": ["a"]}']""", "event pattern on"),
        ("""stream="errors", filters=['{"data": ']""", "event pattern on"),
        ('stream="errors", on_failure_queue="a/b"', "letters, digits"),
        ('stream="errors", starting_position="NOW"', "'AT_TIMESTAMP', 'LATEST'"),
        ('stream="errors", starting_position="AT_TIMESTAMP"', "go only together"),
        ('stream="errors", starting_position_timestamp=1', "go only together"),
        ("batch_size=10", "goes only with `stream`"),
        ('http="GET /", stream="errors"', "has one trigger"),
        ('writes_to=["a/b"]', "letters, digits"),
        ('reads_from=["a/b"]', "letters, digits"),
        ('database="admin"', "'read', 'redrive', 'retention', 'web', 'write']"),
        ("zip_size_limit=52428801", "1 to 52428800 bytes"),
        ("environments=[]", "name at least one environment"),
        ('database="clear"', "and not prod"),
        ('database="clear", environments=["qa", "prod"]', "and not prod"),
    ],
)
def test_a_wrong_value_is_refused(repository: Repository, fields: str, message: str) -> None:
    if "handler=" not in fields:
        fields = f'handler="handler.py:hello", {fields}'
    repository.write("src/python/producers/hello/BUILD", f"python_aws_lambda_function({fields})")
    result = repository.pants("peek", "src/python/producers/hello:")
    assert result.returncode != 0
    assert message in result.stderr
    assert "src/python/producers/hello" in result.stderr


def test_the_limits_themselves_are_accepted(repository: Repository) -> None:
    repository.write(
        "src/python/producers/hello/BUILD",
        """\
        python_aws_lambda_function(
            handler="handler.py:hello",
            memory=10240,
            timeout=900,
            reserved_concurrency=900,
            on_failure="consumers.dead_letter",
            stream="errors",
            batch_size=10000,
            batching_window=300,
            parallelization_factor=10,
            maximum_retry_attempts=-1,
            maximum_record_age=604800,
            bisect_on_error=True,
            filters=['{"data": {"level": ["ERROR"]}}'] * 5,
            on_failure_queue="errors-failed",
            starting_position="AT_TIMESTAMP",
            starting_position_timestamp=1700000000,
        )
        """,
    )
    repository.write("src/python/producers/hello/handler.py", "def hello(event, context): ...")
    assert repository.pants("peek", "src/python/producers/hello:").returncode == 0
