"""Stand-ins for packages of Raspberry Pi OS: which a trial has, and what an app can do with them."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from debonair.deb import archive
from debonair.project.catalogue import known
from debonair.resources import resource
from debonair.trial import stand_ins

TABLE = tomllib.loads(resource("packaging/trial/packages.toml").read_text())


@pytest.mark.parametrize(
    ("depends", "suite", "expected"),
    [
        ("nginx, python3-lgpio, python3 (>= 3.13~)", "trixie", ["python3-lgpio"]),
        ("python3-picamera2 (>= 0.3.12)", "trixie", ["python3-picamera2"]),
        ("python3-picamera", "forky", ["python3-picamera"]),
        ("python3-lgpi, rpicam-app", "trixie", []),
        ("python3-libcamera", "trixie", []),
        ("python3-libcamera", "bookworm", ["python3-libcamera"]),
        ("python3-gpiozero:any", "trixie", ["python3-rpi.gpio"]),
        ("python3-lgpio | python3-flask", "trixie", []),
        ("python3-rpi-lgpio | python3-rpi.gpio", "trixie", ["python3-rpi-lgpio"]),
        ("python3-rpi-lgpio, python3-gpiozero", "bookworm", ["python3-rpi-lgpio"]),
        ("", "trixie", []),
    ],
)
def test_only_known_names_that_debian_lacks(depends: str, suite: str, expected: list[str]) -> None:
    assert stand_ins.needed([depends], suite) == expected


def test_a_deb_states_what_it_is(tmp_path: Path) -> None:
    (path,) = stand_ins.debs(["python3-rpi-lgpio"], tmp_path)
    fields = archive.read_control(path)
    assert fields["Description"].startswith("stand-in of 'debonair try' without a function\n")
    assert (fields["Package"], fields["Architecture"]) == ("python3-rpi-lgpio", "all")
    assert fields["Provides"] == "python3-rpi.gpio (= 9999-standin)"
    found = archive.read(path)
    assert [entry.path for entry in found.entries if entry.path.endswith(".py")] == [
        "usr/lib/python3/dist-packages/RPi/__init__.py",
        "usr/lib/python3/dist-packages/RPi/GPIO/__init__.py",
    ]


def test_all_can_be_made(tmp_path: Path) -> None:
    for path in stand_ins.debs(TABLE["packages"], tmp_path):
        assert archive.read_control(path)["Version"] == "9999-standin"


def test_a_library_that_init_proposes_has_one_if_only_raspberry_pi_os_has_it() -> None:
    system = {each.debian for each in known().hardware.values() if each.system}
    assert system <= set(TABLE["packages"])


def loaded(name: str, file: str) -> ModuleType:
    """Return the module ``name`` of a stand-in."""
    spec = importlib.util.spec_from_file_location(name, Path(str(resource(f"packaging/trial/{file}"))))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestModule:
    @pytest.fixture
    def picamera2(self) -> Any:
        return loaded("picamera2", "module.py")

    def test_an_import_prints_nothing_and_the_first_use_does(
        self, picamera2: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        camera_class = picamera2.Picamera2
        assert capsys.readouterr().err == ""
        camera_class(0, tuning=None).start()
        assert capsys.readouterr().err == (
            "picamera2 is a stand-in of 'debonair try': it opens no hardware, and its values are 0.\n"
        )
        camera_class()
        assert capsys.readouterr().err == ""

    def test_an_app_can_do_with_it_what_apps_do(self, picamera2: Any) -> None:
        class Sink(picamera2.Output):  # type: ignore[misc]
            def __init__(self, name: str) -> None:
                super().__init__(name)
                self.name = name

        assert Sink("x").name == "x"
        with picamera2.Picamera2() as camera:
            camera.options["quality"] = 90
            camera.controls.set(AfMode=picamera2.AfModeEnum.Continuous)
            assert json.dumps({"lux": camera.capture_metadata()["Lux"]}) == '{"lux": 0}'
        assert list(picamera2.Picamera2.global_camera_info()) == []
        assert f"{picamera2.read():.1f}" == "0.0"

    def test_its_errors_can_be_caught(self, picamera2: Any) -> None:
        for kind in (picamera2.error, picamera2.CameraError):
            with pytest.raises(kind):
                raise kind("x")

    def test_it_is_no_source_of_special_names(self, picamera2: Any) -> None:
        with pytest.raises(AttributeError):
            _ = picamera2.__path__


class TestPins:
    @pytest.fixture
    def gpio(self) -> Any:
        return loaded("RPi.GPIO", "RPi.GPIO.py")

    def test_a_pin_keeps_its_state(self, gpio: Any, capsys: pytest.CaptureFixture[str]) -> None:
        gpio.setwarnings(False)  # noqa: FBT003 - as apps call it
        gpio.setmode(gpio.BCM)
        assert gpio.getmode() == gpio.BCM
        gpio.setup(17, gpio.OUT)
        gpio.output(17, gpio.HIGH)
        assert gpio.input(17) == gpio.HIGH
        gpio.setup([5, 6], gpio.OUT, initial=gpio.HIGH)
        gpio.output([5, 6], (gpio.LOW, gpio.HIGH))
        assert [gpio.input(5), gpio.input(6)] == [0, 1]
        gpio.output((5, 6), gpio.LOW)
        assert [gpio.input(5), gpio.input(6)] == [0, 0]
        gpio.setup(4, gpio.IN, pull_up_down=gpio.PUD_UP)
        assert gpio.input(4) == gpio.HIGH
        gpio.cleanup(17)
        assert gpio.gpio_function(17) == gpio.IN
        text = "RPi.GPIO is a stand-in of 'debonair try': it remembers the states of pins"
        assert capsys.readouterr().err.count(text) == 1
