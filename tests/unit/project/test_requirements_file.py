from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from debonair.errors import ProjectError
from debonair.project import requirements_file
from debonair.project.requirements_file import Requirements

Read = Callable[..., Requirements]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write(text: str, **others: str) -> Requirements:
        for name, more in others.items():
            path = tmp_path / f"{name.replace('__', '/')}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(more)
        path = tmp_path / "requirements.txt"
        path.write_text(text)
        return requirements_file.read(path, tmp_path)

    return write


def test_lines_comments_and_continuations(read: Read) -> None:
    found = read("# ours\nflask >= 3  # web\n\nrequests[socks] \\\n  ; python_version > '3'\nflask >= 3\n")
    assert found.requirements[0] == "flask >= 3"
    assert found.requirements[1].split() == ["requests[socks]", ";", "python_version", ">", "'3'"]
    assert len(found.requirements) == 2
    assert (found.constraints, found.itself, found.source) == ((), False, "requirements.txt")


@pytest.mark.parametrize(
    "text",
    ["-r more/base.txt", "--requirement=more/base.txt", "-rmore/base.txt", "--requirement more/base.txt"],
)
def test_other_files_are_included_where_they_are(text: str, read: Read) -> None:
    found = read(
        f"{text}\njinja2\n", more__base="-c bounds.txt\nflask\n", more__bounds="click<8\nflask<4\n"
    )
    assert found.requirements == ("flask", "jinja2")
    assert found.constraints == ("click<8", "flask<4")


def test_a_file_that_includes_itself(read: Read) -> None:
    assert read("-r requirements.txt\nflask\n").requirements == ("flask",)


@pytest.mark.parametrize("line", ["-e .", "--editable=.", ".", "./", "-e .[dev]"])
def test_the_project_itself(line: str, read: Read) -> None:
    found = read(f"flask\n{line}\n")
    assert (found.requirements, found.itself) == (("flask",), True)


@pytest.mark.parametrize(
    "line",
    [
        "-i https://pypi.org/simple",
        "--extra-index-url=https://www.piwheels.org/simple",
        "--trusted-host pypi.org",
        "--no-binary :all:",
        "--pre",
        "--no-index",
    ],
)
def test_options_that_change_nothing_in_a_lock(line: str, read: Read) -> None:
    assert read(f"{line}\nflask\n").requirements == ("flask",)


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        (
            "git+https://example.org/x.git@v1#egg=some-thing",
            "some-thing @ git+https://example.org/x.git@v1",
        ),
        (
            "-e git+https://example.org/x.git@v1#egg=x&subdirectory=py/x",
            "x @ git+https://example.org/x.git@v1#subdirectory=py/x",
        ),
        (
            "git+ssh://git@example.org/x.git#subdirectory=a&egg=x[b,c]",
            "x[b,c] @ git+ssh://git@example.org/x.git#subdirectory=a",
        ),
        (
            'git+https://example.org/x.git#egg=x&subdirectory=a ; os_name == "posix"',
            'x @ git+https://example.org/x.git#subdirectory=a ; os_name == "posix"',
        ),
        ("https://example.org/x-1.0.zip#egg=x", "x @ https://example.org/x-1.0.zip"),
        ("https://example.org/x-1.0.zip#egg=x&sha256=00", "x @ https://example.org/x-1.0.zip#sha256=00"),
        (
            "https://example.org/x_y-1.0-py3-none-any.whl",
            "x_y @ https://example.org/x_y-1.0-py3-none-any.whl",
        ),
        ("x @ https://example.org/x.whl#sha256=00", "x @ https://example.org/x.whl#sha256=00"),
    ],
)
def test_addresses(line: str, requirement: str, read: Read) -> None:
    assert read(line).requirements == (requirement,)


def test_a_lock_has_no_requirements(read: Read) -> None:
    assert read("flask==3.0 --hash=sha256:00\n").requirements == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_windows_writes(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "requirements.txt"
    path.write_bytes("flask==3.0\r\nclick \\\r\n>8\r\n".encode(encoding))
    assert requirements_file.read(path, tmp_path).requirements == ("flask==3.0", "click  >8")


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("-r none.txt", "names a file that does not exist.", "none.txt"),
        (
            "--index-url https://index.example/simple",
            "sets a package index, but a lock cannot take its index from a requirements file.",
            "UV_INDEX",
        ),
        (
            "-f /srv/wheels",
            "sets a package index, but a lock cannot take its index from a requirements file.",
            "UV_INDEX",
        ),
        (
            "--config-settings x",
            "is an option of pip that Debonair does not support.",
            "Write the requirements out",
        ),
        ("git+https://example.org/x.git", "does not name its package.", "NAME @ git+https"),
        ("../library", "a folder or file on this machine", "Publish"),
        ("-e ./library", "a folder or file on this machine", "Publish"),
        (
            "./vendor/a/x_y-1.0-py3-none-any.whl",
            "a folder or file on this machine",
            'Write x_y==1.0, and name the folder of the wheel in uv.toml: find-links = ["vendor/a"]',
        ),
        ("vendor/x-1.0-py3-none-any.whl", "a folder or file on this machine", 'find-links = ["vendor"]'),
        ("../x-1.0-py3-none-any.whl", "a folder or file on this machine", "Publish"),
        ("/srv/x-1.0-py3-none-any.whl", "a folder or file on this machine", "Publish"),
        (
            "x-1.0-py3-none-any.whl[extra] ; os_name == 'posix'",
            "a folder or file on this machine",
            'find-links = ["."]',
        ),
        ("C:\\wheels\\x-1.0.tar.gz", "a folder or file on this machine", "Publish"),
        ("~/x-1.0.zip", "a folder or file on this machine", "Publish"),
        ("file:///srv/x", "a folder or file on this machine", "Publish"),
        (
            "certifi @ file:///srv/build/certifi_1/certifi",
            "names a folder or file of one machine",
            "write certifi==VERSION. This command writes all installed versions: pip list --format=freeze",
        ),
        ("x[a,b]@./vendor/x", "names a folder or file of one machine", "write x==VERSION."),
        ("x @ C:/wheels/x.whl", "names a folder or file of one machine", "write x==VERSION."),
        ("x @ vendor/x.whl ; os_name == 'nt'", "names a folder or file of one machine", "x==VERSION."),
        (
            'flask --config-settings "a=b"',
            "has the option '--config-settings' behind the requirement",
            "Write 'flask' alone.",
        ),
        (
            "flask>=3 -C a=b",
            "has the option '-C' behind the requirement",
            "Write 'flask>=3' alone.",
        ),
        (
            "flask ; os_name == 'posix' --global-option=x",
            "has the option '--global-option' behind the requirement",
            "Write 'flask ; os_name == 'posix'' alone.",
        ),
        ("click=8.1.7=py39_0", "has conda's format NAME=VERSION=BUILD", "Write click==8.1.7. In the conda"),
        ("_libgcc_mutex=0.1=main", "has conda's format NAME=VERSION=BUILD", "pip list --format=freeze"),
        ("openssl=1!3.0.2=h7f8727e_0", "has conda's format NAME=VERSION=BUILD", "openssl==1!3.0.2."),
    ],
)
def test_what_has_no_place_in_a_package(line: str, message: str, hint: str, read: Read) -> None:
    with pytest.raises(ProjectError) as caught:
        read(f"flask\n{line}\n")
    assert caught.value.message.startswith(f"requirements.txt, line 2: '{line}' ")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_password_is_not_shown(read: Read) -> None:
    with pytest.raises(ProjectError) as caught:
        read("-i https://ada:s3cret@index.example/simple\n")
    assert caught.value.message.startswith(
        "requirements.txt, line 1: '-i https://****@index.example/simple'"
    )


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object) -> int:
        raise PermissionError(13, "denied")

    (tmp_path / "requirements.txt").touch()
    monkeypatch.setattr(os, "open", deny)
    with pytest.raises(ProjectError, match=r"is not readable\."):
        requirements_file.read(tmp_path / "requirements.txt", tmp_path)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# ours \\\nflask\n", ("flask",)),
        ("  # ours \\\nflask\n", ("flask",)),
        ("flask  # web \\\nclick\n", ("flask", "click")),
        ("flask \\\n# ours\nclick\n", ("flask", "click")),
        ("flask \\", ("flask",)),
    ],
)
def test_a_comment_ends_with_its_line(text: str, found: tuple[str, ...], read: Read) -> None:
    assert read(text).requirements == found


def test_versions_that_are_not_final(read: Read) -> None:
    assert not read("flask\n").prereleases
    assert read("--pre\nflask\n").prereleases
    assert read("-r more.txt\n", more="--pre\nflask\n").prereleases


def test_a_file_is_read_once(read: Read) -> None:
    found = read("-r a.txt\n-r ./a.txt\n-c a.txt\n", a="flask\n")
    assert (found.requirements, found.constraints) == (("flask",), ("flask",))


def test_files_that_include_each_other_too_deep(read: Read) -> None:
    others = {f"r{number}": f"-r r{number + 1}.txt\n" for number in range(40)}
    with pytest.raises(
        ProjectError, match=r"r19\.txt, line 1: .*: files include each other more than 20 deep"
    ):
        read("-r r0.txt\n", **others, r40="flask\n")


@pytest.mark.parametrize(
    ("line", "why", "hint"),
    [
        ("flask =>2", "Expected", "Did you mean 'flask >=2'?"),
        ("flask=2", "Expected", "Did you mean 'flask==2'?"),
        ("flask=<3", "Expected", "Did you mean 'flask<=3'?"),
        ("flask>=two", "Expected", "Write it as in 'Flask>=3' (PEP 508)."),
        ("flask ~= 3", "Expected", "Write it as in 'Flask>=3' (PEP 508)."),
        ("flask; python > 3", "Expected a marker", "Write it as in 'Flask>=3' (PEP 508)."),
        ("my flask", "Expected", "Write it as in 'Flask>=3' (PEP 508)."),
    ],
)
def test_a_requirement_that_is_not_valid(line: str, why: str, hint: str, read: Read) -> None:
    for text, more, place in (
        (f"# web\n{line}\n", "", "requirements.txt, line 2"),
        ("-r more/base.txt\n", f"\n\n{line}\n", "more/base.txt, line 3"),
    ):
        with pytest.raises(ProjectError) as caught:
            read(text, more__base=more)
        assert caught.value.message.startswith(f"{place}: '{line}' is not a valid requirement: {why}")
        assert caught.value.hint == hint


@pytest.mark.parametrize(
    "line",
    [
        "flask", "Flask.Thing_2 >= 3.0.1, <4", "flask[a, b-c]==3.1", "flask===3", "flask~=3.1",
        "flask!=3.0.*", "flask>=3.0rc1", "flask (>=3)", "f @ https://example.org/f.whl",
        'flask>=3; python_version < "3.12"', "flask==1!2.0+local.1",
    ],
)  # fmt: skip
def test_a_requirement_that_is_valid(line: str, read: Read) -> None:
    assert read(f"{line}\n").requirements == (line,)
