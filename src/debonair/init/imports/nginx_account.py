"""The account of the lines of an nginx site, and what the admin must write on the Pi."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from debonair.init.imports import nginx_parameters
from debonair.init.imports.account import WEBSOCKETS, Account
from debonair.init.imports.directives import Directive

WRITE = "into /etc/nginx/sites-available/APP on the Pi, which no upgrade touches"
SITE = "for the site on the Pi"
ABOVE = f"{SITE}, above its server block"
_LOCATION = "for the app's location on the Pi"


class SiteAccount:
    """The account of a site so far."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.root = root
        self.accounts: list[Account] = []
        self.warnings: list[str] = []
        self._by_hand: set[str] = set()
        """The reasons of lines without a setting, which the admin must write on the Pi."""
        self._lines: list[tuple[str, str]] = []
        """The lines for the app's location: as uWSGI needs them, and as another server does."""
        self._websockets: list[str] = []
        self._secret = False

    def say(self, directive: Directive, became: str, why: str = "") -> None:
        """Account for ``directive``."""
        text = nginx_parameters.shown(directive)
        self._secret = self._secret or text != directive.text
        self.accounts.append(Account(self.path, directive.line, text, became, why))

    def drop(self, found: Iterable[Directive], why: str) -> None:
        """Account for directives that are dropped."""
        for directive in found:
            self.say(directive, "", why)

    def warn(self, directive: Directive, what: str) -> None:
        """Warn of ``directive``."""
        self.warnings.append(f"{self.path.name}:{directive.line}: {what}")

    def by_hand(self, why: str = SITE) -> str:
        """Return why a line without a setting was dropped, and remember to explain that."""
        self._by_hand.add(why)
        return why

    def in_location(self, directive: Directive) -> bool:
        """Account for a line of the app's location on the Pi; return whether ``directive`` is one."""
        name = "".join(directive.words[:1]).lower()
        if directive.name == "proxy_set_header" and name == "upgrade":
            self._websockets.append(f"{self.path.name}:{directive.line}: {WEBSOCKETS}")
        forms = nginx_parameters.lines(directive)
        if any(forms):
            self._lines.append(forms)
            self.say(directive, "", _LOCATION)
        return any(forms)

    def secrets(self) -> list[str]:
        """Return patterns that exclude the file from the package if it has secrets."""
        path = self.path.resolve()
        if not self._secret or not path.is_relative_to(self.root):
            return []
        why = "it has secrets, which a package would publish"
        self.accounts.append(Account(self.path, 0, "(the file itself)", "exclude", why))
        return [f"/{path.relative_to(self.root)}"]

    def for_the_pi(self) -> list[str]:
        """Return the explanation of the lines that the admin must write into the site."""
        if not self._by_hand:
            return []
        above = " Write those above its server block first." if ABOVE in self._by_hand else ""
        what = f"no setting exists for the lines marked '{SITE}'. Write them {WRITE}.{above}"
        return [f"{self.path.name}: {what}"]

    def when_served_by(self) -> dict[str, tuple[str, ...]]:
        """Return the warnings that hold only for one value of the setting ``server``."""
        forms = {
            server: list(dict.fromkeys(form[place] for form in self._lines if form[place]))
            for place, server in enumerate(("uwsgi", "command"))
        }
        write = "write these lines into /etc/APP/nginx/more.conf on the Pi, which no upgrade touches"
        found: dict[str, tuple[str, ...]] = {
            server: (f"{self.path.name}: {write}: {' '.join(lines)}",)
            for server, lines in forms.items()
            if lines
        }
        if self._websockets:
            found["uwsgi"] = (*found.get("uwsgi", ()), self._websockets[0])
        return found
