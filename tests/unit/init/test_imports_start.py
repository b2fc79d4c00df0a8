"""Each part of a line that started an app becomes a setting, or is told; so do the files that it names."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from debonair.init.imports import commandline, crontab, files, shell
from debonair.init.imports.account import Imported, table

IN = 'cd "$VIRTUAL_ENV/../app" && '


def make(root: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def read(root: Path, name: str, texts: dict[str, str]) -> Imported:
    return files.read(make(root, texts) / name, root)


def told(found: Imported) -> dict[str, str]:
    """Return what each line or part became, or why it was dropped."""
    return {account.text: account.became or account.why for account in found.accounts}


class TestShell:
    @pytest.mark.parametrize(
        ("line", "texts"),
        [
            ("a; b && c || d | e & f", ["a", "b", "c", "d", "e", "f"]),
            ("a 'x; y' \"&& z\" \\; b", ["a 'x; y' \"&& z\" \\; b"]),
            ("a > log 2>&1 && b &> c", ["a > log 2>&1", "b &> c"]),
            ("a $(date; id) ;", ["a $(date; id)"]),
            ("a 'b && c", ["a 'b && c"]),
            ("", []),
        ],
    )
    def test_commands(self, line: str, texts: list[str]) -> None:
        assert [each.text for each in shell.commands(line)] == texts

    @pytest.mark.parametrize(
        "line",
        [
            "exec gunicorn x", "nohup /opt/venv/bin/gunicorn x", "poetry run gunicorn x",
            "A=1 env B=2 gunicorn x", "python3.11 -m gunicorn x", "tini -g -- gunicorn x",
            "gunicorn x >> log 2>&1", "uv run gunicorn x > a",
        ],
    )  # fmt: skip
    def test_words(self, line: str) -> None:
        found = shell.words(line)
        assert (found.program, found.arguments) == ("gunicorn", ("x",))


class TestChain:
    def test_every_command(self) -> None:
        found = commandline.read(
            "flask db upgrade; flask translate compile && cd web && gunicorn app:app -t 90 & python bot.py"
        )
        assert found.settings == {
            "wsgi": "app:app",
            "uwsgi": {"harakiri": 90},
            "migrate": f"{IN}flask db upgrade",
            "workers": {"bot": "python bot.py"},
        }
        assert {part.text: part.became or part.why for part in found.parts} == {
            "flask db upgrade": "migrate",
            "flask translate compile": (
                "it ran before the server; if each new release needs it, add it to 'migrate'"
            ),
            "cd web": "the modules of the app are in the project's folder or its 'src'",
            "python bot.py": "workers.bot",
        }

    @pytest.mark.parametrize(
        ("line", "settings"),
        [
            ("python bot.py & gunicorn app:app", {"workers": {"bot": "python bot.py"}}),
            ("celery -A t worker & gunicorn app:app & wait", {"workers": {"celery": "celery -A t worker"}}),
            (
                "flask db upgrade && ./manage.py collectstatic && alembic upgrade head; gunicorn app:app",
                {"migrate": f"{IN}flask db upgrade && alembic upgrade head"},
            ),
            ("export MODE=fast; gunicorn app:app", {"service": {"environment": {"MODE": "fast"}}}),
            ("gunicorn app:app | tee log; echo ended", {}),
        ],
    )
    def test_in_another_order(self, line: str, settings: dict[str, Any]) -> None:
        found = commandline.read(line)
        assert found.settings == {"wsgi": "app:app", **settings}
        assert len(found.parts) == len(shell.commands(line)) - 1

    @pytest.mark.parametrize("shell", ["sh -c", "exec /bin/bash -lc", "bash -ec"])
    def test_of_another_shell(self, shell: str) -> None:
        found = commandline.read(f"{shell} 'flask db upgrade && gunicorn app:app'")
        assert found.settings == {"wsgi": "app:app", "migrate": f"{IN}flask db upgrade"}


class TestGunicorn:
    def test_options_and_their_file(self, tmp_path: Path) -> None:
        found = read(
            tmp_path,
            "Procfile",
            {
                "Procfile": "web: gunicorn -c gunicorn.conf.py -k eventlet -w 4 --max-requests 1000 "
                "--env MODE=fast --limit-request-line 8190 --worker-connections=9 --frobnicate 1 app:app\n",
                "gunicorn.conf.py": "import os\ntimeout = 120\n"
                "raw_env = ['LEVEL=3', 'API_TOKEN=swordfish']\n"
                "workers = os.cpu_count()\nthreads = int(os.environ['T'])\nx = 1\n"
                "def post_fork(server, worker): ...\n",
            },
        )
        assert found.settings == {
            "wsgi": "app:app",
            "uwsgi": {"max-requests": 1000, "harakiri": 120},
            "service": {"environment": {"MODE": "fast", "LEVEL": "3"}},
        }
        all_told = told(found)
        assert "'uwsgi.threads'" in all_told["-k eventlet"]
        assert "'uwsgi.processes'" in all_told["-w 4"]
        assert all_told["-c gunicorn.conf.py"] == "gunicorn.conf.py"
        assert "'uwsgi.buffer-size'" in all_told["--limit-request-line 8190"]
        assert "'uwsgi.threads'" in all_told["--worker-connections 9"]
        assert all_told["--frobnicate 1"] == "uWSGI has no such option"
        assert all_told["threads = int(os.environ['T'])"].endswith("set it by hand: uwsgi.threads")
        assert "hooks" in all_told["def post_fork(server, worker): ..."]
        assert "swordfish" not in table(found.accounts)

    @pytest.mark.parametrize(
        ("options", "settings"),
        [
            ("-t90 --timeout=100", {"uwsgi": {"harakiri": 100}}),
            ("-e A=1 --env B=2", {"service": {"environment": {"A": "1", "B": "2"}}}),
            ("-t 0", {}),
            ("-Dw4 --preload", {}),
        ],
    )
    def test_other_spellings(self, options: str, settings: dict[str, Any]) -> None:
        assert commandline.read(f"gunicorn {options} app:app").settings == {"wsgi": "app:app", **settings}

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("\"app:create_app('x')\"", "'app:create_app('x')' is called with arguments"),
            ("gate-keeper:app", "'gate-keeper:app' is not a name that Python can import"),
        ],
    )
    def test_a_name_that_wsgi_does_not_take(self, name: str, why: str) -> None:
        assert commandline.read(f"gunicorn {name}").parts[0].why.startswith(why)

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        found = read(tmp_path, "Procfile", {"Procfile": "web: gunicorn -c conf/g.py app:app\n"})
        assert told(found)["-c conf/g.py"] == "the project has no such file"

    def test_a_file_without_a_command(self, tmp_path: Path) -> None:
        found = read(
            tmp_path, "gunicorn_config.py", {"gunicorn_config.py": "wsgi_app = 'a:b'\ntimeout=5\n"}
        )
        assert found.settings == {"wsgi": "a:b", "uwsgi": {"harakiri": 5}}

    def test_a_broken_file(self, tmp_path: Path) -> None:
        found = read(tmp_path, "gunicorn.conf.py", {"gunicorn.conf.py": "\ntimeout 5\n"})
        assert (found.accounts[0].line, found.accounts[0].why) == (2, "Python cannot read it")


class TestUwsgi:
    def test_a_file_that_a_line_names(self, tmp_path: Path) -> None:
        ini = "[uwsgi]\nmodule = app:app\nharakiri = 120\n"
        found = read(
            tmp_path,
            "Procfile",
            {"Procfile": "web: uwsgi --ini conf/live/app.ini\n", "conf/live/app.ini": ini},
        )
        assert found.settings == {"wsgi": "app:app", "uwsgi": {"harakiri": 120}}
        assert told(found)["--ini conf/live/app.ini"] == "conf/live/app.ini"

    @pytest.mark.parametrize(
        ("line", "settings"),
        [
            ("uwsgi --http :8000 --module site.wsgi", {"wsgi": "site.wsgi:application"}),
            (
                "uwsgi --master -M -p4 --module site.wsgi",
                {"wsgi": "site.wsgi:application", "uwsgi": {"processes": 4}},
            ),
            (
                "uwsgi more.yml --env A=1 -t 9",
                {"uwsgi": {"harakiri": 9, "threads": 2}, "service": {"environment": {"A": "1"}}},
            ),
            ("uwsgi --yaml=none.yml -w a:b", {"wsgi": "a:b"}),
        ],
    )  # fmt: skip
    def test_options(self, line: str, settings: dict[str, Any], tmp_path: Path) -> None:
        texts = {"Procfile": f"web: {line}\n", "more.yml": "uwsgi:\n  threads: 2\n  harakiri: 3\n"}
        found = read(tmp_path, "Procfile", texts)
        assert found.settings == settings
        assert all(account.became or account.why for account in found.accounts)


class TestPiku:
    def test_its_names(self, tmp_path: Path) -> None:
        found = read(
            tmp_path,
            "Procfile",
            {
                "Procfile": "wsgi: main:app\nworker: python worker.py\ncron: 0 4 * * * python clock.py\n"
                "cron_2: 0 1 1 * 1 python x.py\ncron: @daily python y.py\nstatic: public\n"
                "preflight: flask init-db\n"
            },
        )
        assert found.settings == {
            "wsgi": "main:app",
            "workers": {"worker": "python worker.py"},
            "timers": {
                "cron": {"command": "python clock.py", "calendar": "*-*-* 04:00:00"},
                "cron-2": {"command": "python y.py", "calendar": "daily"},
            },
        }
        lines = {account.line: account.why for account in found.accounts}
        assert "two timers" in lines[4]
        assert lines[6].endswith('"/public/" = "public"')
        assert "'migrate'" in lines[7]

    def test_a_secret_in_a_worker(self, tmp_path: Path) -> None:
        found = read(tmp_path, "Procfile", {"Procfile": "bot: BOT_TOKEN=swordfish python bot.py\n"})
        assert found.settings == {}
        assert "env set" in found.accounts[0].why
        assert "swordfish" not in table(found.accounts)

    def test_a_password_in_an_address(self, tmp_path: Path) -> None:
        text = (
            "web: DB=postgres://me:swordfish@host/x gunicorn --statsd-host http://a:swordfish@b app:app\n"
        )
        found = read(tmp_path, "Procfile", {"Procfile": text})
        assert found.settings == {"wsgi": "app:app"}
        assert "swordfish" not in table(found.accounts)


@pytest.mark.parametrize(
    ("line", "calendar"),
    [
        ("0 4 * * * x", "*-*-* 04:00:00"),
        ("*/5 * * * * x", "*-*-* *:00/5:00"),
        ("0,30 9-11 * * mon-fri x", "Mon,Tue,Wed,Thu,Fri *-*-* 09,10,11:00,30:00"),
        ("0 0 1 jan,7 * x", "*-01,07-01 00:00:00"),
        ("0 0 * * 7 x", "Sun *-*-* 00:00:00"),
        ("@weekly x", "weekly"),
        ("0 0 1 * 1 x", ""),
    ],
)
def test_times(line: str, calendar: str) -> None:
    assert crontab.split(line) == (calendar, "x")


@pytest.mark.parametrize(
    "line", ["python x.py", "60 * * * * x", "a b c d e f", "0 4 * * *", "*/0 * * * * x", ""]
)
def test_no_times(line: str) -> None:
    assert crontab.split(line) == ("", "")


class TestScripts:
    ENTRY = (
        "#!/bin/sh\nset -e\n# ours\nif [ -z \"$X\" ]; then\n  flask db upgrade\nfi\nexport MODE=fast\n"
        "python mails.py &\nflask seed\nexec \"$@\"\n"
    )  # fmt: skip

    def test_an_entrypoint(self, tmp_path: Path) -> None:
        found = read(
            tmp_path,
            "Dockerfile",
            {
                "Dockerfile": "FROM python\nENV DATA=sqlite:////data/app.db\n"
                'ENTRYPOINT ["./entrypoint.sh"]\nCMD ["gunicorn", "--timeout", "120", "app:app"]\n',
                "entrypoint.sh": self.ENTRY,
            },
        )
        assert found.settings == {
            "wsgi": "app:app",
            "uwsgi": {"harakiri": 120},
            "migrate": f"{IN}flask db upgrade",
            "service": {"environment": {"MODE": "fast"}},
        }
        all_told = told(found)
        assert "path in the container" in all_told["ENV DATA=sqlite:////data/app.db"]
        assert all_told['ENTRYPOINT ["./entrypoint.sh"]'] == "entrypoint.sh"
        assert 'add to [workers]: mails = "python mails.py"' in all_told["python mails.py"]
        assert "'migrate'" in all_told["flask seed"]

    @pytest.mark.parametrize(
        "start", ["CMD ./boot.sh", 'CMD ["sh", "/app/boot.sh"]', "ENTRYPOINT bash boot.sh"]
    )
    def test_a_script_that_starts_the_server(self, start: str, tmp_path: Path) -> None:
        loop = "while true; do\n  flask db upgrade\n  sleep 5\ndone\n"
        script = f"#!/bin/bash\n{loop}exec gunicorn -t 9 \\\n  web:app\n"
        found = read(tmp_path, "Dockerfile", {"Dockerfile": f"FROM x\n{start}\n", "boot.sh": script})
        assert found.settings == {
            "wsgi": "web:app",
            "uwsgi": {"harakiri": 9},
            "migrate": f"{IN}flask db upgrade",
        }

    @pytest.mark.parametrize("here", ["<<EOF >app.cfg", "<< 'EOF'", "<<-EOF"])
    def test_the_input_of_a_command(self, here: str, tmp_path: Path) -> None:
        script = f"cat {here}\nflask db upgrade\nMODE=$MODE\nEOF\ngunicorn a:b\n"
        found = read(tmp_path, "Dockerfile", {"Dockerfile": "FROM x\nCMD ./boot.sh\n", "boot.sh": script})
        assert found.settings == {"wsgi": "a:b"}
        assert set(told(found)) == {"CMD ./boot.sh", f"cat {here}", "gunicorn a:b"}

    def test_a_script_that_is_not_there(self, tmp_path: Path) -> None:
        texts = {"Dockerfile": "FROM x\nENTRYPOINT /entry.sh\nCMD gunicorn a:b\n"}
        found = read(tmp_path, "Dockerfile", texts)
        assert found.settings == {"wsgi": "a:b"}
        assert "it ran before the CMD" in told(found)["ENTRYPOINT /entry.sh"]

    def test_a_secret_of_a_container(self, tmp_path: Path) -> None:
        found = read(
            tmp_path,
            "Dockerfile",
            {"Dockerfile": "FROM x\nENV API_TOKEN=swordfish MAIL_PASS=swordfish A=1\n"},
        )
        assert "swordfish" not in table(found.accounts)


UNIT = """[Unit]
After=network.target

[Service]
User=pi
Environment="MODE=public" "API_TOKEN=swordfish" DATA=/home/pi/x
EnvironmentFile=/etc/blog
ExecStartPre=-/home/pi/blog/venv/bin/flask db upgrade
ExecStart=/home/pi/blog/venv/bin/gunicorn \\
    --timeout 100 app:app
MemoryMax=200M
"""


class TestUnits:
    def test_of_the_app(self, tmp_path: Path) -> None:
        found = read(tmp_path, "deploy/blog.service", {"deploy/blog.service": UNIT})
        assert found.settings == {
            "wsgi": "app:app",
            "uwsgi": {"harakiri": 100},
            "service": {"environment": {"MODE": "public"}, "memory-max": "200M"},
            "migrate": f"{IN}flask db upgrade",
        }
        assert all(account.became or account.why for account in found.accounts)
        assert "swordfish" not in table(found.accounts)

    def test_of_a_worker(self, tmp_path: Path) -> None:
        text = "[Service]\nEnvironment=BOT_TOKEN=swordfish\nExecStart=/usr/bin/python3 mails.py\n"
        found = read(tmp_path, "mails.service", {"mails.service": text})
        assert found.settings == {}
        assert 'add to [workers]: mails = "python3 mails.py"' in table(found.accounts, width=300)
        assert "swordfish" not in table(found.accounts)

    def test_of_a_timer(self, tmp_path: Path) -> None:
        texts = {
            "tidy.timer": "[Timer]\nOnCalendar=daily\n",
            "tidy.service": "[Service]\nExecStart=/srv/venv/bin/flask tidy\n",
        }
        found = read(tmp_path, "tidy.timer", texts)
        assert found.accounts[0].why == (
            'not taken over; add to [timers]: tidy = {command = "flask tidy", calendar = "daily"}'
        )

    @pytest.mark.parametrize(
        ("option", "calendar"),
        [
            ("OnUnitActiveSec=15min", "*:0/15"),
            ("OnUnitActiveSec=30", "*:*:0/30"),
            ("OnUnitInactiveSec=1h", "hourly"),
            ("OnUnitActiveSec=6 hours", "0/6:00"),
            ("OnUnitActiveSec=1d", "daily"),
            ("OnUnitActiveSec=1w", "weekly"),
            ("OnUnitActiveSec=7min", "..."),
            ("OnUnitActiveSec=2h 30min", "..."),
            ("OnUnitActiveSec=60min", "hourly"),
        ],
    )
    def test_of_a_timer_without_a_calendar(self, option: str, calendar: str, tmp_path: Path) -> None:
        texts = {
            "tidy.timer": f"[Timer]\nOnBootSec=5min\n{option}\nUnit=clean.service\n",
            "clean.service": '[Service]\nType=oneshot\nExecStart=/bin/a "b"\nExecStart=/bin/c\n',
        }
        found = told(read(tmp_path, "tidy.timer", texts))
        assert "after each boot" in found["OnBootSec=5min"]
        setting = tomllib.loads(found[option].partition(": ")[2])
        assert setting == {"tidy": {"command": '/bin/a "b" && /bin/c', "calendar": calendar}}
        assert ("systemd.time(7)" in found[option]) == (calendar == "...")

    @pytest.mark.parametrize("timer", ["[Timer]\nOnCalendar=daily\n", "[Timer]\nUnit=tidy.service\n"])
    @pytest.mark.parametrize("kind", ["Type=oneshot\n", ""])
    def test_of_a_command_that_a_timer_starts(self, timer: str, kind: str, tmp_path: Path) -> None:
        name = "other.timer" if "Unit" in timer else "tidy.timer"
        texts = {"tidy.service": f"[Service]\n{kind}ExecStart=python tidy.py\n", name: timer}
        found = told(read(tmp_path, "tidy.service", texts))
        assert found["ExecStart=python tidy.py"] == (
            f"not taken over; {name} starts it, see there for the setting"
        )

    def test_of_a_command_that_runs_once(self, tmp_path: Path) -> None:
        text = "[Service]\nType=oneshot\nExecStart=python a.py\nExecStart=python b.py\n"
        found = told(read(tmp_path, "seed.service", {"seed.service": text}))
        for name in ("a", "b"):
            assert "it ran once and ended, so it is not a worker" in found[f"ExecStart=python {name}.py"]

    def test_a_secret_of_a_timer(self, tmp_path: Path) -> None:
        texts = {
            "tidy.timer": "[Timer]\nOnCalendar=daily\n",
            "tidy.service": "[Service]\nType=oneshot\nExecStart=/usr/bin/env API_TOKEN=swordfish /bin/a\n",
        }
        for name in texts:
            assert "swordfish" not in table(read(tmp_path, name, texts).accounts, width=999)

    @pytest.mark.parametrize(
        "program", ["/home/pi/blog/venv/bin/python warm.py", "./warm.py", "node warm.js"]
    )
    def test_a_command_before_the_app_is_no_worker(self, program: str, tmp_path: Path) -> None:
        text = UNIT.replace("ExecStart=", f"ExecStartPre={program}\nExecStart=", 1)
        unit = read(tmp_path, "blog.service", {"blog.service": text})
        script = read(tmp_path, "start.sh", {"start.sh": f"{program}\ngunicorn a:b\n"})
        chain = read(tmp_path, "Procfile", {"Procfile": f"web: {program} && gunicorn a:b\n"})
        for found in (unit, script, chain):
            (why,) = (each.why for each in found.accounts if "warm" in each.text and not each.became)
            assert why == "it ran before the server; if each new release needs it, add it to 'migrate'"

    def test_of_something_else(self, tmp_path: Path) -> None:
        texts = {"web.service": '<?xml version="1.0"?>\n<service-group>\n</service-group>\n'}
        assert read(tmp_path, "web.service", texts).accounts == ()

    def test_of_supervisor(self, tmp_path: Path) -> None:
        text = (
            "[program:mails]\ncommand=python mails.py\nuser=pi\n; ours\n[program:web]\ncommand = "
            "/srv/venv/bin/gunicorn app:app -t 9\nenvironment=A=\"1,2\",B='3',C=4\nautostart=true\n"
            "[supervisord]\n"
        )
        found = read(tmp_path, "supervisor.conf", {"supervisor.conf": text})
        assert found.settings == {
            "wsgi": "app:app",
            "uwsgi": {"harakiri": 9},
            "service": {"environment": {"A": "1,2", "B": "3", "C": "4"}},
        }
        assert 'mails = "python mails.py"' in told(found)["command=python mails.py"]


class TestCompose:
    @pytest.mark.parametrize("command", ["gunicorn app:app -t 77", '["gunicorn", "app:app", "-t", "77"]'])
    @pytest.mark.parametrize("environment", ["{A: 1, DATA: /data}", '["A=1", "DATA=/data"]'])
    def test_of_the_app(self, command: str, environment: str, tmp_path: Path) -> None:
        text = (
            f"services:\n  web:\n    command: {command}\n    environment: {environment}\n"
            "    ports: [80:80]\n"
            "  mails:\n    command: python mails.py\n  db:\n    image: postgres:16\n"
        )
        found = read(tmp_path, "docker-compose.yml", {"docker-compose.yml": text})
        assert found.settings == {
            "wsgi": "app:app",
            "uwsgi": {"harakiri": 77},
            "service": {"environment": {"A": "1"}},
        }
        all_told = told(found)
        assert 'mails = "python mails.py"' in all_told["python mails.py"]
        assert all_told["db:"].endswith("add its package to 'depends': postgres:16")

    def test_with_the_command_of_the_dockerfile(self, tmp_path: Path) -> None:
        variables = "      API_TOKEN: swordfish\n      MODE: fast\n"
        text = f"services:\n  web:\n    build: .\n    environment:\n{variables}"
        found = read(tmp_path, "compose.yaml", {"compose.yaml": text})
        assert found.settings == {"service": {"environment": {"MODE": "fast"}}}
        assert "swordfish" not in table(found.accounts)

    @pytest.mark.parametrize("text", ["a: {{ b }}: c\n", "[", "", "- a\n", "services: 3\n", "a: &x [*x]\n"])
    def test_a_strange_one(self, text: str, tmp_path: Path) -> None:
        assert read(tmp_path, "compose.yml", {"compose.yml": text}).settings == {}


@pytest.mark.parametrize(
    "line",
    [
        'if [ "$1" = gunicorn ]; then flask db upgrade; fi',
        'if [ -n "$DATABASE_URL" ]; then flask db upgrade ; fi',
        "until nc -z db 5432; do sleep 1; done; flask db upgrade",
    ],
)
def test_a_command_in_a_condition_on_one_line(line: str, tmp_path: Path) -> None:
    texts = {"app.py": "", "start.sh": f"#!/bin/sh\n{line}\nexec gunicorn app:app\n"}
    found = read(tmp_path, "start.sh", texts)
    assert found.settings.get("migrate") == f"{IN}flask db upgrade"
