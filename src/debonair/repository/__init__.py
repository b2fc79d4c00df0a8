"""The repository format of apt, in Python: a pool, signed indices, and channels, as static files.

Knows nothing of Python applications, and imports nothing of Debonair but its errors, its door to other
programs, its bar, its data files and templates, and the package format in ``deb/``. A repository is a
``Storage``, which ``publish.Repository`` changes, one commit at a time; any web server serves it
(https://wiki.debian.org/DebianRepository/Format).

- ``storage/``: where files are kept: ``folder``, ``bucket``, ``ssh``; ``locate`` says which is meant
- ``pins``, ``trust``, ``takeover``: what this machine has seen of it, and whether to believe what is there
- ``fields``, ``excerpt``: the types of what stands in the documents, and how a terminal shows it
- ``pool``, ``channel``, ``state``: what an index says of a deb, what a channel offers, and the documents
- ``indices``, ``release``, ``signing``: Packages and Contents, Release, and who signs it
- ``edits/``, ``draft``, ``publish``: what can be changed, a change in the making, how it becomes visible
- ``history``, ``verify``, ``sweep``: who changed what, what is wrong, what nothing names
- ``bootstrap``, ``timer``: the bootstrap deb, and renewal
- ``landing_page``, ``http_server``, ``connections``: what people open, HTTP for a home network, its limits
"""
