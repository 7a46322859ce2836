"""What can be wrong with a file of keys."""


class KeysInvalid(Exception):
    """It cannot be read, or breaks a rule; the message names file, key, field and remedy."""
