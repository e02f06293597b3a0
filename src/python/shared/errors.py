"""The exceptions that a caller or an operator reads: what is wrong, and what would be right."""


class InvalidRequest(Exception):
    """An invocation's event is not one that the function takes."""


class Misconfiguration(Exception):
    """The function cannot work as it is deployed; trying again does not help. Holds no secret."""


class Unavailable(Exception):
    """What the function depends on did not answer in the time there was; trying again may help."""
