"""The binary package format of Debian, in Python: no root, no dpkg, on any system.

It knows nothing of Python applications, and imports nothing of Debonair except its errors and ``host``. A
package is a ``Tree`` of ``Layer`` values and a ``Control``. ``archive.write`` turns them into the bytes of
a ``.deb``, the same bytes every time (deb(5), deb-control(5), Debian Policy chapters 3 to 6).
"""
