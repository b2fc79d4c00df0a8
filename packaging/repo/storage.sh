# 'debonair repo' runs this by ssh on the machine that keeps a repository. It needs sh, coreutils, find and flock, and
# answers one request after another until its standard input ends.
#
# A request is a line, 'VERB SIZE SHA256 TAG PATH', and SIZE bytes; an answer is a line, 'STATUS SIZE', and
# SIZE bytes. Unexpected input ends it, because later bytes might not be a request.
#
# Others who may write there cannot redirect a path out of the repository. Each folder is entered from the one above
# it, and the result is compared with the expected path. No link is followed.
export LC_ALL=C
unset CDPATH
root=$1 absent=44 there=46 other=47 cut=48 link=49 broken=50
case $root in /*) ;; *) root=$PWD/$root ;; esac

answer() {
	printf '%s %s\n' "$1" "${#2}"
	printf %s "$2"
	case $1 in 0 | "$absent" | "$there" | "$other") ;; *) exit 1 ;; esac
}

# Enter the folder of $path, and set $name to its name there; with 'make', create missing folders.
enter() {
	[ "$1" != make ] || mkdir -p -- "$root" || return 1
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

# A truncated file must never get a name, so its hash is compared first.
receive() {
	# The folder is created again if it is missing: removing its last file also removes the folder.
	new=$(mktemp -- ./.new.XXXXXX 2>/dev/null) ||
		{ enter make && new=$(mktemp -- ./.new.XXXXXX); } || return 1
	head -c "$size" >"$new" || return 1
	[ "$(sha256sum <"$new")" = "$sha  -" ] || return "$cut"
	chmod 644 -- "$new" && sync -- "$new"
}

add() {
	enter make || return
	receive || return
	ln -T -- "$new" "./$name" 2>/dev/null && return 0
	[ -e "./$name" ] || ln -T -- "$new" "./$name" || return 1
	[ ! -L "./$name" ] || return "$link"
	touch -c -h -- "./$name" 2>/dev/null # renew its time, so that a sweep does not take it for an old file
	return "$there"
}

replace() {
	enter make || return
	receive || return
	[ ! -L "$top/.lock" ] || return "$link"
	[ ! -e "$top/.lock" ] || [ -f "$top/.lock" ] || return 1 # opening a fifo would block
	exec 9>>"$top/.lock" && flock 9 || return 1
	[ ! -L "./$name" ] || return "$link"
	have=-
	if [ -e "./$name" ]; then
		[ -f "./$name" ] || return 1
		have=$(sha256sum <"./$name") || return 1
		have=${have%  -}
	fi
	[ "$have" != "$sha" ] || return 0 # the answer to an earlier try of this write was lost
	[ "$have" = "$tag" ] || return "$other"
	if [ -e "./$name" ]; then
		# HTTP's If-Modified-Since has whole seconds: two changes in one second must not look the same.
		before=$(stat -c %Y -- "./$name")
		[ "$(stat -c %Y -- "$new")" -gt "$before" ] || touch -d "@$((before + 1))" -- "$new"
	fi
	mv -fT -- "$new" "./$name" && sync -- .
}

list() {
	path=$path/-
	enter || { status=$? && [ "$status" = "$absent" ] && return 0; return "$status"; }
	find . -name '*[[:cntrl:]]*' -prune -o -type f -printf '%P\t%s\t%T@\n'
}

remove() {
	enter || { status=$? && [ "$status" = "$absent" ] && return 0; return "$status"; }
	rm -f -- "./$name" || return 1
	while [ "$PWD" != "$top" ]; do
		here=${PWD##*/}
		cd -P .. && rmdir -- "./$here" 2>/dev/null || return 0
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
	opened=$(readlink /proc/self/fd/3) || return 1
	[ "${opened% (deleted)}" = "${PWD%/}/$name" ] || return "$link"
	printf '0 %s\n' "$(stat -Lc %s /dev/fd/3)" >&4
	cat <&3 >&4 || return "$broken"
}

echo debonair
while read -r verb size sha tag path; do
	case $verb in
	read)
		{ said=$(content 4>&5 2>/dev/null); } 5>&1
		status=$?
		case $status in
		0) ;;
		"$broken") exit 1 ;; # the start of an answer was already sent
		*) answer "$status" "$said" ;;
		esac
		;;
	touch)
		said=$(work touched 2>&1)
		answer $? "$said"
		;;
	add | replace | list | remove | size)
		said=$(work "$verb" 2>&1)
		answer $? "$said"
		;;
	*) exit 1 ;;
	esac
done
