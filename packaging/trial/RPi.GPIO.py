"""A stand-in for RPi.GPIO, from 'debonair try'. It remembers the states of pins and opens no hardware."""

import sys
import time

BOARD, BCM, UNKNOWN = 10, 11, -1
OUT, IN, SERIAL, SPI, I2C, HARD_PWM = 0, 1, 40, 41, 42, 43
LOW, HIGH = 0, 1
PUD_OFF, PUD_DOWN, PUD_UP = 20, 21, 22
RISING, FALLING, BOTH = 31, 32, 33
VERSION = "0.7.2"
RPI_INFO = {
    "P1_REVISION": 3,
    "REVISION": "c04170",
    "TYPE": "Stand-in",
    "MANUFACTURER": "none",
    "RAM": "none",
    "PROCESSOR": "none",
}
RPI_REVISION = 3

_states = {}
_functions = {}
_mode = []


def _say():
    if not _states and not _functions:
        text = "RPi.GPIO is a stand-in of 'debonair try': it remembers the states of pins."
        print(text, file=sys.stderr, flush=True)


def _several(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def setmode(mode):
    _mode[:] = [mode]


def getmode():
    return _mode[0] if _mode else None


def setwarnings(_):
    pass


def setup(channels, direction, pull_up_down=PUD_OFF, initial=None):
    _say()
    for channel in _several(channels):
        _functions[channel] = direction
        _states[channel] = (pull_up_down == PUD_UP) if direction == IN else initial or LOW


def output(channels, values):
    names, states = _several(channels), _several(values)
    for name, state in zip(names, states * len(names) if len(states) == 1 else states, strict=True):
        _states[name] = int(bool(state))


def input(channel):  # noqa: A001 - the name in RPi.GPIO
    return int(_states.get(channel, LOW))


def gpio_function(channel):
    return _functions.get(channel, IN)


def cleanup(channels=None):
    for channel in list(_states) if channels is None else _several(channels):
        _states.pop(channel, None)
        _functions.pop(channel, None)


def add_event_detect(channel, edge, callback=None, bouncetime=None):
    del channel, edge, callback, bouncetime


def add_event_callback(channel, callback):
    del channel, callback


def remove_event_detect(_):
    pass


def event_detected(_):
    return False


def wait_for_edge(channel, edge, bouncetime=None, timeout=None):
    """Wait for the time that was given: no edge ever comes."""
    del channel, edge, bouncetime
    time.sleep((timeout or 1000) / 1000)


class PWM:
    """A pulse-width modulation that has no effect."""

    def __init__(self, channel, frequency):
        del channel, frequency

    def start(self, duty_cycle):
        del duty_cycle

    def ChangeDutyCycle(self, duty_cycle):
        del duty_cycle

    def ChangeFrequency(self, frequency):
        del frequency

    def stop(self):
        pass
