"""A folder with a handler.py and a BUILD target is a whole function: nothing else is touched."""

import json
import signal

import boto3

from tests.aws_lambda_function.conftest import Repository


def test_a_new_handler_is_served_without_any_other_change(repository: Repository) -> None:
    repository.write(
        "src/python/producers/greeting/handler.py",
        """\
        def greeting(event, context):
            return {"greeting": f"Hello, {event['name']}!"}
        """,
    )
    repository.write(
        "src/python/producers/greeting/BUILD",
        """\
        python_sources()

        python_aws_lambda_function(name="function", handler="handler.py:greeting")
        """,
    )
    with repository.start_pants("run", "//:local", "--", "--port=0", "--json") as process:
        assert process.stdout is not None
        messages = (json.loads(line) for line in process.stdout)
        ready = next(message for message in messages if message["event"] == "ready")
        client = boto3.client(
            "lambda",
            endpoint_url=ready["url"],
            region_name="eu-central-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
        )
        names = [function["FunctionName"] for function in client.list_functions()["Functions"]]
        assert names == ["local-producers-greeting"]
        answer = client.invoke(FunctionName=names[0], Payload=b'{"name": "Ada"}')
        assert json.load(answer["Payload"]) == {"greeting": "Hello, Ada!"}
        process.send_signal(signal.SIGINT)
    assert (repository.directory / "dist" / "producers.greeting.zip").exists()
