"""Measure what apps cost that sleep: their memory together, and the time of the first request.

Prints a line for each, and a summary. A wake, through nginx, is compared with a uWSGI that is started apart
with the same app and asked, past nginx, until it answers.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from debians import Boot, Builder
from sleepers import Sleeper, fall_asleep, install, memory, page

from debonair.debian.rootfs.machine import Machine


def main() -> None:
    """Let as many apps as asked for fall asleep in one Debian, weigh them, wake them."""
    options = argparse.ArgumentParser(description=__doc__, prog="bench.asleep")
    options.add_argument("--apps", type=int, default=50, help="how many (default: 50)")
    names = [f"app-{number:02d}" for number in range(options.parse_args().apps)]
    with tempfile.TemporaryDirectory(prefix="debonair-bench-") as scratch, Boot()("trixie") as machine:
        sleeper = Sleeper(Path(scratch), Builder(Path(scratch) / "out"))
        install(machine, *(sleeper(name) for name in names))
        for name in names:
            fall_asleep(machine, name)
        held = [memory(machine, name) for name in names]
        started = [cold(machine, name) for name in names]
        woken, warm = zip(
            *((page(machine, name)[1], page(machine, name)[1]) for name in names), strict=True
        )
    for name, found, seconds in zip(names, held, woken, strict=True):
        print(f"{name}: {found.private} kB private, {found.proportional} kB proportional, {seconds:.3f} s")
    private, proportional = [one.private for one in held], [one.proportional for one in held]
    print(f"{len(names)} apps asleep together: {sum(private) / 1024:.1f} MB private, ", end="")
    print(f"{sum(proportional) / 1024:.1f} MB proportional")
    print(f"each: {statistics.median(private) / 1024:.2f} MB private, at most {max(private) / 1024:.2f} MB")
    for label, times in (
        ("first request", woken),
        ("the next", warm),
        ("uWSGI started apart, to its first answer", started),
    ):
        print(f"{label}: median {statistics.median(times):.3f} s, at most {max(times):.3f} s")


COLD = """
import socket, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import probe
began = time.perf_counter()
uwsgi = subprocess.Popen(["uwsgi-core", "--ini", "/srv/cold.ini"], stderr=subprocess.DEVNULL)
while True:
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect("/srv/sock")
            asking.sendall(probe.request("/", "localhost"))
            assert asking.recv(4096).startswith(b"HTTP/1.1 200")
            break
    except (FileNotFoundError, ConnectionRefusedError):
        assert uwsgi.poll() is None, "uWSGI does not start"
        time.sleep(0.0005)
print(time.perf_counter() - began)
uwsgi.terminate()
uwsgi.wait()
"""


def cold(machine: Machine, package: str) -> float:
    """Return the seconds to the first answer of a uWSGI that is started apart with that app."""
    text = machine.read(f"/usr/lib/{package}/current/vassals/web.ini") or ""
    kept = [line for line in text.splitlines() if not line.startswith(("stats =", "idle =", "die-on-idle"))]
    release = machine.run(["readlink", "-f", f"/usr/lib/{package}/current"]).stdout.strip()
    head = f"[uwsgi]\nset-placeholder = release={release}\nsocket = /srv/sock"
    machine.write("/srv/cold.ini", "\n".join(kept).replace("[uwsgi]", head, 1).encode())
    return float(machine.run(["python3", "-c", COLD, f"/usr/lib/{package}/libexec"]).stdout)


if __name__ == "__main__":
    main()
