"""The one exception a person meets when the local cloud can't start."""


class LocalCloudError(Exception):
    """What keeps the local cloud from starting: a sentence on what is wrong and what mends it."""
