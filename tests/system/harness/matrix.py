"""What a system test is a test of, for the matrix (tests/MATRIX.md)."""


def covers(dialect, provider, *features, streamed=None):
    """Marks a test with its dialect, the provider's API and features in the matrix's words.
    `streamed`: None if it makes no difference, or the test does both."""
    def mark(test):
        test.covers = getattr(test, "covers", ()) + tuple(
            (dialect, provider, feature, streamed) for feature in features)
        return test
    return mark


def marks(module):
    """Every mark in a module of tests."""
    for case in vars(module).values():
        if isinstance(case, type):
            for test in vars(case).values():
                yield from getattr(test, "covers", ())
