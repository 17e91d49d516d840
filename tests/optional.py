"""What a test knows to be there, where its type allows for nothing."""


def present[T](value: T | None) -> T:
    """Return the value of a nullable field or look-up, which a test has seen to."""
    assert value is not None
    return value
