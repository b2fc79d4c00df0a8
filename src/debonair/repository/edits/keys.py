"""The keys that sign a repository, and the validity of its indices; edits as those of ``versions``."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from debonair.errors import RepositoryError
from debonair.repository.draft import Draft
from debonair.repository.edits.bootstrap import bootstrap, bootstrap_for, lost
from debonair.repository.publish import Edit
from debonair.repository.release import stamp
from debonair.repository.state import Key, Suite


def take_key(key: Key) -> Edit:
    """Return the edit that adds ``key`` to the signing keys."""

    def edit(draft: Draft) -> list[str]:
        if any(each.fingerprint == key.fingerprint for each in draft.head.keys):
            raise RepositoryError(f"The repository is already signed by {key.fingerprint}.")
        draft.head = msgspec.structs.replace(draft.head, keys=(*draft.head.keys, key))
        for name in draft.suites:
            draft.touch(name)
        return [f"also signed by {key.fingerprint}", *bootstrap(draft)]

    return edit


def drop_keys() -> Edit:
    """Return the edit that keeps only the newest signing key."""

    def edit(draft: Draft) -> list[str]:
        *old, newest = draft.head.keys
        if not old:
            raise RepositoryError(
                f"The repository has only one key, {newest.fingerprint}, so no older key can be removed.",
                hint="First add a new key: debonair repo rotate-key",
            )
        draft.head = msgspec.structs.replace(draft.head, keys=(newest,))
        for name in draft.suites:
            draft.touch(name)
        return [*(f"no longer signed by {key.fingerprint}" for key in old), *bootstrap(draft)]

    return edit


def renew(
    known: Sequence[Suite],
    *,
    valid_days: int | None = None,
    if_due: bool = False,
    reset_date: bool = False,
) -> Edit:
    """Return the edit that signs all suites again, with a new Date and Valid-Until.

    They are valid for ``valid_days`` from then on, if that is given. With ``if_due`` nothing is done if no
    suite is due. With ``reset_date``, suites with a Date in the future get the present one.
    """

    def edit(draft: Draft) -> list[str]:
        ahead = draft.ahead() if reset_date else {}
        if if_due and not ahead and not draft.due() and valid_days in (None, draft.head.valid_days):
            return []
        if valid_days is not None:
            draft.head = msgspec.structs.replace(draft.head, valid_days=valid_days)
        made = draft.ensure(known)
        for name in draft.suites:
            draft.touch(name)
        what = ["all suites signed again"]
        for name, date in ahead.items():
            draft.reset_date(name)
            what.append(f"{name} dated {stamp(draft.now)}, no longer {stamp(date)}")
        if not made and lost(draft):
            return [*what, *bootstrap(draft)]
        return [*what, *bootstrap_for(draft, made)]

    return edit
