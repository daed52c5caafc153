"""What can go wrong, as one flat set.

CableQAError                 anything a user can mend; the message says what, where and what to do
├── InputError               a file, an option or a golden set that cannot be used
├── IndexMissing             no index in the folder named
├── IndexMismatch            the index was made with another embedding model or version, or its files cannot be used
├── NotInIndex               a cable or paragraph that the index does not hold
└── ModelUnavailable         a language model, its extra, key or server is missing
"""


class CableQAError(Exception):
    """Root of all errors that reach a user, always as one line."""


class InputError(CableQAError):
    """A file, an option or a golden set that cannot be used as it is."""


class IndexMissing(CableQAError):
    """No index in the folder named."""


class IndexMismatch(CableQAError):
    """The index was made with another embedding model or by another version, or its files are damaged or may not be used."""


class NotInIndex(CableQAError):
    """A cable or paragraph that the index does not hold."""


class ModelUnavailable(CableQAError):
    """A language model, its extra, its key or its server is missing."""
