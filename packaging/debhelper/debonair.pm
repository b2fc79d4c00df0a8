# The debhelper sequence of Debonair: dh $@ --with debonair. See dh_debonair(1).
use warnings;
use strict;

# dh_debonair lays the files out before debhelper looks for units, users and documents among them; what the
# maintainer scripts do besides comes last, when there is a user, a folder and a unit to do it with.
insert_after('dh_install', 'dh_installsysusers');
insert_after('dh_install', 'dh_debonair');
insert_after('dh_lintian', 'dh_debonair_scripts');

# The project's build system builds a wheel, if anything; dh_debonair asks it to.
add_command_options("dh_auto_$_", '--buildsystem=none') foreach qw(configure build test install clean);

# The release is switched by the package's own scripts: a service that stops or restarts fails requests.
add_command_options('dh_installsystemd', '--no-start', '--no-stop-on-upgrade', '--no-restart-after-upgrade');

# Wheels stay as they are: their RECORD has hashes of their files, and what they need is known.
add_command_options($_, '-X/dist/venv/')
    foreach qw(dh_dwz dh_fixperms dh_makeshlibs dh_shlibdeps dh_strip dh_strip_nondeterminism);
# dh_link looks at the last part of a path alone. A venv's link to its interpreter is absolute (PEP 405): it is
# copied to another depth with a release.
add_command_options('dh_link', '-Xpython3.');
add_command_options('dh_python3', '-X', '.*/dist/.*');

1;
