# The sandbox that an sdist is built in: a root of its own in memory, with this machine's /usr to read.
#
# unshare(1) calls it, in new namespaces, as
#   sh -ec THIS sh ROOM USER BIND... -- COMMAND...
# ROOM is an empty folder to mount it on. USER is the number of the user that the command becomes first, or empty.
# root needs one, because root inside would be root of this machine. Each BIND is a folder that is readable inside, at
# its own path. The rest of this machine is invisible, and no file of it is writable.
set -e
umask 022
room=$1 user=$2
shift 2

bind() {
    [ -d "$room$1" ] || mkdir -p "$room$1"
    mount --rbind "$1" "$room$1"
}

mount -t tmpfs -o mode=0755,nosuid,nodev,nr_inodes=1000000 tmpfs "$room"
for path in /bin /lib /lib32 /lib64 /libx32 /sbin; do
    if [ -L "$path" ]; then
        ln -s "$(readlink "$path")" "$room$path"
    elif [ -d "$path" ]; then
        bind "$path"
    fi
done
bind /usr
if [ -d /etc/alternatives ]; then # awk and others are links that lead there
    bind /etc/alternatives
fi
while [ "$1" != -- ]; do
    bind "$1"
    shift
done
shift

cd "$room"
mkdir -p build dev/shm etc old proc tmp
chmod 1777 dev/shm tmp
echo 'build:x:0:0::/build/home:/bin/sh' >etc/passwd
echo 'build:x:0:' >etc/group
for device in full null random urandom zero; do
    : >"dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd

# Mounts below a bound folder are bound with it, and stay writable unless each is remounted, too.
# Flags that are already set must be repeated, because nobody here may remove them.
while read -r _ _ _ _ place flags _; do
    case $place in
    "$room" | "$room/dev/"*) continue ;;
    "$room/"*) mount -o "remount,bind,nosuid,${flags#rw,},ro" "$(printf %b "$place")" ;;
    esac
done </proc/self/mountinfo
mount -t proc -o nosuid,nodev,noexec proc proc
for path in proc/keys proc/key-users; do # a session's keys, which are the author's
    [ ! -e "$path" ] || mount --bind dev/null "$path"
done

pivot_root . old
umount -l /old
rmdir /old
if [ -n "$user" ]; then
    chown "$user:$user" /build
    # A change of user clears the parent-death signal, so it is set again.
    exec setpriv --reuid "$user" --regid "$user" --clear-groups --pdeathsig KILL \
        unshare --user --map-root-user "$@"
fi
exec "$@"
