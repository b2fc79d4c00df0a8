"""Services read from their unit files."""

from __future__ import annotations

from debonair.debian.rootfs import systemd_unit

UNIT = """\
[Unit]
Description=not a command
ExecStart=/no
[Service]
# a comment
User=app
Group=app
SupplementaryGroups=video "i2c"
UMask=0027
WorkingDirectory=-/srv
RuntimeDirectory=app app/more
RuntimeDirectoryMode=0750
StateDirectory=%p
Environment=A=1 "B=two words"
Environment=C=%t/x
EnvironmentFile=-/etc/%N/env
ExecStartPre=+-/bin/mkdir -p %t/%p \\
    /run/second
ExecStart=/bin/old
ExecStart=
ExecStart=@/usr/bin/uwsgi-core uwsgi --ini "${A}" $B 100%% %q
[Install]
WantedBy=multi-user.target
"""


def test_a_service_is_read() -> None:
    service = systemd_unit.parse("app.service", UNIT)
    assert service.start == (
        systemd_unit.Command(
            ("/usr/bin/uwsgi-core", "--ini", "${A}", "$B", "100%", "%q"), as_root=False, may_fail=False
        ),
    )
    assert service.start_pre == (
        systemd_unit.Command(("/bin/mkdir", "-p", "/run/app", "/run/second"), as_root=True, may_fail=True),
    )
    assert (service.user, service.group, service.groups) == ("app", "app", ("video", "i2c"))
    assert service.environment == {"A": "1", "B": "two words", "C": "/run/x"}
    assert service.environment_files == ("-/etc/app/env",)
    assert [(each.path, each.mode, each.variable) for each in service.directories] == [
        ("/run/app", "0750", "RUNTIME_DIRECTORY"),
        ("/run/app/more", "0750", "RUNTIME_DIRECTORY"),
        ("/var/lib/app", "0755", "STATE_DIRECTORY"),
    ]
    assert (service.working_directory, service.umask) == ("-/srv", "0027")


def test_a_service_with_nothing_said() -> None:
    service = systemd_unit.parse("x.service", "[Service]\nExecStart=/bin/true\n")
    assert (service.user, service.group, service.working_directory, service.umask) == (
        "root",
        "",
        "/",
        "0022",
    )


def test_variables_of_a_file() -> None:
    text = "# no\n; no\nA=1 2\nB='x y'\n  C=\"z\"  \nnothing\nD=\n"
    assert systemd_unit.variables(text) == {"A": "1 2", "B": "x y", "C": "z", "D": ""}


def test_variables_are_put_in() -> None:
    words = ["a${X}b", "$X", "$$", "$NONE", "${NONE}", "x$X"]
    assert systemd_unit.expanded(words, {"X": "1 2"}) == ["a1 2b", "1", "2", "$", "", "x$X"]
