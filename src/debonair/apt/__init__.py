"""The repository format of apt, in Python: a pool, signed indices, and channels, as static files.

Knows nothing of Python applications, and imports nothing of Debonair but its errors, its door to other
programs and the package format in ``deb/``. A repository is a ``Storage``; ``publish.Repository`` changes
it, one commit at a time; any web server serves it (https://wiki.debian.org/DebianRepository/Format).

``storage`` where files are kept · ``facts`` what an index says of a deb · ``channel`` what a channel offers ·
``state`` the documents that the indices are made from · ``index`` Packages and Contents · ``release`` the
Release file · ``signing`` GnuPG · ``draft``, ``publish`` a change, and how it becomes visible · ``history`` who
changed what · ``verify`` the tree as a client sees it · ``keyring`` the bootstrap deb · ``page`` the landing
page · ``server`` HTTP for a home network.
"""
