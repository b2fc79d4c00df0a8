# 'debonair repo' runs this by ssh on the machine that keeps a repository. It needs sh, coreutils, find and flock, and
# answers one request after another until its standard input ends.
#
# A request is a line, 'VERB SIZE SHA256 TAG PATH', and SIZE bytes; an answer is a line, 'STATUS SIZE', and
# SIZE bytes. Unexpected input ends it, because later bytes might not be a request.
#
# Others who may write there cannot redirect a path out of the repository. Each folder is entered from the one above
# it, and the result is compared with the expected path. No link is followed. A file is opened once, and then used by
# its descriptor, because its name may lead to another file by then.
export LC_ALL=C
unset CDPATH
mask=$(umask)
root=$1 absent=44 there=46 other=47 cut=48 link=49 broken=50
case $root in /*) ;; *) root=$PWD/$root ;; esac

answer() {
	printf '%s %s\n' "$1" "${#2}"
	printf %s "$2"
	case $1 in 0 | "$absent" | "$there" | "$other") ;; *) exit 1 ;; esac
}

# Enter the folder of $path, and set $name to its name there; with 'make', create missing folders.
enter() {
	[ "$1" != make ] || [ -d "$root" ] || mkdir -p -- "$root" || return 1
	[ -e "$root" ] || return "$absent"
	cd -P -- "$root" || return 1
	top=$PWD name=$path
	while [ "$name" != "${name#*/}" ]; do
		part=${name%%/*} name=${name#*/} here=${PWD%/}
		case $part in "" | . | ..) return "$link" ;; esac
		[ ! -L "./$part" ] || return "$link"
		if [ ! -d "./$part" ]; then
			[ "$1" = make ] || return "$absent"
			mkdir -- "./$part" || [ -d "./$part" ] || return 1
		fi
		cd -P -- "./$part" || return 1
		[ "$PWD" = "$here/$part" ] || return "$link"
	done
	case $name in "" | . | ..) return "$link" ;; esac
	[ ! -L "./$name" ] || return "$link"
}

# Compare descriptor $1 with the path $2: no link may have led to another file.
is() {
	opened=$(readlink "/proc/self/fd/$1") && [ "${opened% (deleted)}" = "$2" ]
}

# Create a file that nobody else knows of, as descriptor 7. With 'set -C', the shell follows no link and opens no
# existing file.
create() {
	new=$(mktemp -u -- ./.new.XXXXXXXXXXXX) || return 1
	set -C && umask 077
	command exec 7>"$new" || { umask "$mask"; return 1; }
	set +C && umask "$mask"
	is 7 "${PWD%/}/${new#./}" || return 1
}

# A truncated file must never get a name, so its hash is compared first.
receive() {
	# The folder is created again if it is missing: removing its last file also removes the folder.
	create 2>/dev/null || { enter make && create; } || return 1
	head -c "$size" >&7 || return 1
	[ "$(sha256sum </proc/self/fd/7)" = "$sha  -" ] || return "$cut"
	chmod 644 /proc/self/fd/7 && sync /proc/self/fd/7
}

add() {
	enter make || return
	receive || return
	ln -LT -- /proc/self/fd/7 "./$name" 2>/dev/null && return 0
	[ -e "./$name" ] || ln -LT -- /proc/self/fd/7 "./$name" || return 1
	[ ! -L "./$name" ] || return "$link"
	touch -c -h -- "./$name" 2>/dev/null # renew its time, so that a sweep does not take it for an old file
	return "$there"
}

# Opening for reading changes nothing, wherever a link leads. Then the same file is opened for writing, which NFS needs.
lock() {
	[ ! -L "$top/.lock" ] || return "$link"
	[ -e "$top/.lock" ] || ( set -C && : >"$top/.lock" ) 2>/dev/null
	[ -f "$top/.lock" ] || return 1 # opening a fifo would block
	command exec 9<"$top/.lock" || return 1
	is 9 "${top%/}/.lock" || return "$link"
	command exec 9>>/proc/self/fd/9 && flock 9 || return 1
}

replace() {
	enter make || return
	receive || return
	lock || return
	[ ! -L "./$name" ] || return "$link"
	have=-
	if [ -e "./$name" ]; then
		[ -f "./$name" ] || return 1
		case $tag in
		size:*) have=size:$(stat -c %s -- "./$name") ;; # it was too large for its reader
		*)
			have=$(sha256sum <"./$name") || return 1
			have=${have%  -}
			;;
		esac
	fi
	[ "$have" != "$sha" ] || return 0 # the answer to an earlier try of this write was lost
	[ "$have" = "$tag" ] || return "$other"
	if [ -e "./$name" ]; then
		# HTTP's If-Modified-Since has whole seconds: two changes in one second must not look the same.
		# shellcheck disable=SC2046 # two numbers
		set -- $(stat -Lc %Y -- "./$name" /proc/self/fd/7)
		[ "$2" -gt "$1" ] || touch -c -d "@$(($1 + 1))" /proc/self/fd/7
	fi
	mv -fT -- "$new" "./$name" && new= && sync -- .
}

list() {
	case $path in .) path=- ;; *) path=$path/- ;; esac
	enter || { status=$? && [ "$status" = "$absent" ] && return 0; return "$status"; }
	find . -name '*[[:cntrl:]]*' -prune -o -type f -printf '%P\t%s\t%T@\n'
}

remove() {
	enter || { status=$? && [ "$status" = "$absent" ] && return 0; return "$status"; }
	rm -f -- "./$name" || return 1
	while [ "$PWD" != "$top" ]; do
		here=$PWD
		cd -P .. && [ "$PWD" = "${here%/*}" ] && rmdir -- "./${here##*/}" 2>/dev/null || return 0
	done
}

touched() {
	enter || return
	[ -e "./$name" ] || return "$absent"
	touch -c -h -- "./$name" 2>/dev/null
	return 0
}

size() {
	enter || return
	[ -e "./$name" ] || return "$absent"
	stat -c %s -- "./$name"
}

work() {
	new=
	"$1"
	status=$?
	[ -z "$new" ] || rm -f -- "$new"
	return "$status"
}

# Answer with the file $name. Check the opened file, because its name may lead to another one by now.
content() {
	enter 2>&1 || return
	if [ ! -e "./$name" ]; then
		return "$absent"
	elif [ ! -f "./$name" ]; then
		echo "$PWD/$name: Is a directory"
		return 1
	elif [ ! -r "./$name" ]; then
		echo "$PWD/$name: Permission denied"
		return 1
	fi
	exec 3<"./$name" || return "$absent"
	is 3 "${PWD%/}/$name" || return "$link"
	printf '0 %s\n' "$(stat -Lc %s /proc/self/fd/3)" >&4
	cat <&3 >&4 || return "$broken"
}

echo debonair
while read -r verb size sha tag path; do
	case $verb in
	read)
		{ output=$(content 4>&5 2>/dev/null); } 5>&1
		status=$?
		case $status in
		0) ;;
		"$broken") exit 1 ;; # the start of an answer was already sent
		*) answer "$status" "$output" ;;
		esac
		;;
	touch)
		output=$(work touched 2>&1)
		answer $? "$output"
		;;
	add | replace | list | remove | size)
		output=$(work "$verb" 2>&1)
		answer $? "$output"
		;;
	*) exit 1 ;;
	esac
done
