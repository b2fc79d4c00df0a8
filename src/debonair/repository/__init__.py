"""The repository format of apt, in Python: a pool, signed indices, and channels, as static files.

It knows nothing of Python applications. From the rest of Debonair it imports only the errors, ``host``, the
data files and templates, and the package format in ``deb``. A repository is a ``Storage``, which
``publish.Repository`` changes, one commit at a time. Any web server can serve it
(https://wiki.debian.org/DebianRepository/Format).

- ``storage/``: where files are kept: ``folder``, ``bucket``, ``ssh``; ``locate`` chooses one
- ``pins``, ``trust``, ``takeover``: the state that this machine has seen, and whether to trust the storage
- ``fields``, ``excerpt``: the types of values in the documents, and how a terminal shows them
- ``pool``, ``channel``, ``state``: the index data of a deb, the versions in a channel, and the documents
- ``indices``, ``release``, ``signing``: Packages and Contents, Release, and its signatures
- ``edits/``, ``draft``, ``publish``: the possible changes, a change in progress, and its commit
- ``history``, ``verify``, ``sweep``: past changes, a check for defects, and files without a reference
- ``bootstrap``, ``timer``: the bootstrap deb, and renewal
- ``landing_page``, ``http_server``, ``connections``: the page, HTTP for a home network, its limits
"""
