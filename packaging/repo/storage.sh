# What 'debonair repo' has ssh run on the machine that keeps a repository, in sh with coreutils, find and
# flock: it answers one request after another until its standard input ends.
#
# A request is a line, 'VERB SIZE SHA256 TAG PATH', and SIZE bytes; an answer is a line, 'STATUS SIZE', and
# SIZE bytes. Whatever is not expected ends it, as what follows could be no request.
export LC_ALL=C
root=$1 absent=44 there=46 other=47 cut=48

answer() {
	printf '%s %s\n' "$1" "${#2}"
	printf %s "$2"
	case $1 in 0 | "$absent" | "$there" | "$other") ;; *) exit 1 ;; esac
}

# What is cut off on its way must never have a name: its hash is compared first.
receive() {
	# The folder is made when it is missing: who removes the last file in it removes it too.
	new=$(mktemp -- "$folder/.new.XXXXXX" 2>/dev/null) ||
		{ mkdir -p -- "$folder" && new=$(mktemp -- "$folder/.new.XXXXXX"); } || return 1
	head -c "$size" >"$new" || return 1
	[ "$(sha256sum <"$new")" = "$sha  -" ] || return "$cut"
	chmod 644 -- "$new" && sync -- "$new"
}

add() {
	receive || return
	ln -- "$new" "$file" 2>/dev/null && return 0
	[ -e "$file" ] || ln -- "$new" "$file" || return 1
	touch -c -- "$file" 2>/dev/null # it is wanted again: who sweeps must not take it for an old one
	return "$there"
}

replace() {
	receive || return
	exec 9>>"$root/.lock" && flock 9 || return 1
	have=-
	if [ -e "$file" ]; then
		have=$(sha256sum <"$file") || return 1
		have=${have%  -}
	fi
	[ "$have" != "$sha" ] || return 0 # the answer to this very write was lost
	[ "$have" = "$tag" ] || return "$other"
	if [ -e "$file" ]; then
		# HTTP's If-Modified-Since knows whole seconds: two changes in one must not look the same.
		before=$(stat -c %Y -- "$file")
		[ "$(stat -c %Y -- "$new")" -gt "$before" ] || touch -d "@$((before + 1))" -- "$new"
	fi
	mv -f -- "$new" "$file" && sync -- "$folder"
}

list() {
	[ ! -d "$file" ] || find "$file" -type f -printf '%P\t%s\t%T@\n'
}

remove() {
	rm -f -- "$file" || return 1
	(cd -- "$root" && rmdir -p --ignore-fail-on-non-empty -- "$(dirname -- "$path")") 2>/dev/null
	return 0
}

work() {
	new=
	"$verb"
	status=$?
	[ -z "$new" ] || rm -f -- "$new"
	return "$status"
}

echo debonair
while read -r verb size sha tag path; do
	file=$root/$path
	folder=$(dirname -- "$file")
	case $verb in
	read)
		if [ -e "$file" ] && [ ! -f "$file" ]; then
			answer 1 "$file: Is a directory"
		elif [ -e "$file" ] && [ ! -r "$file" ]; then
			answer 1 "$file: Permission denied"
		else
			# shellcheck disable=SC2094 # nothing is written
			{ printf '0 %s\n' "$(stat -Lc %s /dev/fd/3)" && { cat <&3 || exit; }; } 3<"$file" || answer "$absent" ""
		fi 2>/dev/null
		;;
	touch) # it is wanted again: who sweeps must not take it for an old one
		if [ -e "$file" ]; then
			touch -c -- "$file" 2>/dev/null
			answer 0 ""
		else
			answer "$absent" ""
		fi
		;;
	size)
		if [ -e "$file" ]; then answer 0 "$(stat -c %s -- "$file")"; else answer "$absent" ""; fi
		;;
	add | replace | list | remove)
		said=$(work 2>&1)
		answer $? "$said"
		;;
	*) exit 1 ;;
	esac
done
