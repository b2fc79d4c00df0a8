# The debhelper sequence of Debonair: dh $@ --with debonair. See dh_debonair(1).
use warnings;
use strict;

# dh_debonair installs the files before debhelper searches them for units, users and documents. Its additions to the
# maintainer scripts come last, when the user, the folder and the unit exist.
insert_after('dh_install', 'dh_installsysusers');
insert_after('dh_install', 'dh_debonair');
insert_after('dh_lintian', 'dh_debonair_scripts');

# dh_debonair itself calls the project's build system, which builds a wheel if it builds anything.
add_command_options("dh_auto_$_", '--buildsystem=none') foreach qw(configure build test install clean);

# The release is switched by the package's own scripts: a service that stops or restarts fails requests.
add_command_options('dh_installsystemd', '--no-start', '--no-stop-on-upgrade', '--no-restart-after-upgrade');

# Wheels must not change: their RECORD has hashes of their files, and their dependencies are known.
add_command_options($_, '-X/dist/venv/')
    foreach qw(dh_dwz dh_fixperms dh_makeshlibs dh_shlibdeps dh_strip dh_strip_nondeterminism);
# dh_link only matches the last part of a path. A venv's link to its interpreter must stay absolute (PEP 405), because
# a release copies it to another depth.
add_command_options('dh_link', '-Xpython3.');
add_command_options('dh_python3', '-X', '.*/dist/.*');

1;
