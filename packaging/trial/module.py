"""A stand-in for a library of Raspberry Pi OS, from 'debonair try'. It opens no hardware."""

import sys

_said = []


def _say():
    if not _said:
        _said.append(True)
        text = f"{__name__} is a stand-in of 'debonair try': it opens no hardware, and its values are 0."
        print(text, file=sys.stderr, flush=True)


class _Kind(type):
    """A class that has every attribute, as an enumeration has its values."""

    def __getattr__(cls, name):
        return _attribute(name)


class _StandIn(int, metaclass=_Kind):
    """A value that can be called, entered, indexed and iterated. It is 0 as a number."""

    def __new__(cls, *_, **__):
        _say()
        return int.__new__(cls)

    def __init__(self, *_, **__):
        super().__init__()

    def __call__(self, *_, **__):
        return _StandIn()

    def __getattr__(self, name):
        return _attribute(name)

    def __getitem__(self, _):
        return _StandIn()

    def __setitem__(self, _, value):
        pass

    def __iter__(self):
        return iter(())

    def __len__(self):
        return 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def _attribute(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if name == "error" or name.endswith(("Error", "Exception")):
        return type(name, (Exception,), {})
    if name[:1].isupper() and not name.isupper():
        return _Kind(name, (_StandIn,), {})
    return int.__new__(_StandIn)


def __getattr__(name):
    return globals().setdefault(name, _attribute(name))
