"""Whether what a new version answered to its test event shows that it works. Pure."""

from deploy.functions import Answer

# Where answers say that something did not go well: Lambda's batch response, and what producers say
# of each event (docs/functions.md).
COMPLAINTS = ("error", "rejected", "unavailable", "batchItemFailures")
# A refused request is answered as it should be: no test event may hold a key.
FIRST_SERVER_ERROR = 500


def complaint(answer: Answer) -> str | None:
    """What is wrong with the answer, or None."""
    payload = answer.payload
    if answer.error is not None:
        if isinstance(payload, dict) and "errorMessage" in payload:
            return f"{payload.get('errorType', answer.error)}: {payload['errorMessage']}"
        return f"{answer.error} error: {payload}"
    if not isinstance(payload, dict):
        return None
    status = payload.get("statusCode", 200)
    if isinstance(status, int) and status >= FIRST_SERVER_ERROR:
        return f"HTTP status {status}: {payload.get('body')}"
    said = next((key for key in COMPLAINTS if payload.get(key)), None)
    return None if said is None else f"{said}: {payload[said]}"
