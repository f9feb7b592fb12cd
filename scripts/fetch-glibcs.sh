#!/bin/sh
# Unpacks other releases of glibc, for x86_64 and i386, so that the tests can run one program with each
# of them, and what it takes to link a program that runs with them all. Nothing is installed. Where
# everything is there it is silent and the network is not touched.
#
# usage: fetch-glibcs.sh
#
# They come from suites of Debian, from the mirror that this machine's own packages come from, with
# package lists of their own. In build/packages/glibc it leaves
#
#   RELEASE/ABI     the shared objects of that release, the loader among them
#   dev             headers, start files and libraries of the oldest release
#   NAME.reason     why RELEASE, or dev, could not be had
#   NAME.tried      when it was tried in vain; it is tried again some hours later
#
# The exit status is 0 in any case: tests that have to do without say so.
# DUMPCORE_NO_INSTALL=1 fetches nothing.
set -eu
cd "$(dirname "$0")/.."

glibc=$PWD/build/packages/glibc
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
retry_minutes=240

# A release, and the suites that may have it.
releases() {
	cat <<-'END'
	2.31 bullseye
	2.36 bookworm
	2.41 trixie
	2.43 sid forky
	2.44 experimental sid forky
	END
}
oldest=bullseye
dev_packages='libc6:amd64 libc6-dev:amd64 linux-libc-dev:amd64 libc6:i386 libc6-dev:i386 linux-libc-dev:i386
	libgcc-10-dev:i386'

say() {
	echo "glibcs: $*" >&2
}

# give_up NAME REASON...
give_up() {
	name=$1
	shift
	echo "$*" >"$glibc/$name.reason"
	touch "$glibc/$name.tried"
	say "no $name: $*"
}

# found NAME
found() {
	rm -f "$glibc/$1.reason" "$glibc/$1.tried"
}

is_there() {
	[ -d "$glibc/$1" ] || [ -n "$(find "$glibc/$1.tried" -mmin -$retry_minutes 2>/dev/null)" ]
}

missing() {
	is_there dev || echo "dev $oldest"
	releases | while read -r release suites; do
		is_there "$release" || echo "$release $suites"
	done
}

# The mirror of Debian that the lists of this machine name.
mirror() {
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(COMPONENT) $(SITE)' 'Created-By: Packages' 2>/dev/null |
		awk '$1 == "Debian" && $2 !~ /-/ && $3 == "main" { print $4; exit }'
}

# apt SUITE COMMAND...
apt() {
	APT_CONFIG=$glibc/apt/$1/apt.conf
	export APT_CONFIG
	shift
	"$@" </dev/null
}

# Package lists of the suite, once a run. Those of old suites are expired for good.
know_suite() {
	folder=$glibc/apt/$1
	[ ! -d "$folder" ] || return 0
	mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
	: >"$folder/status"
	signed=
	[ ! -e $keyring ] || signed="[signed-by=$keyring] "
	echo "deb $signed$site $1 main" >"$folder/sources.list"
	cat >"$folder/apt.conf" <<-END
	APT::Architecture "amd64";
	APT::Architectures { "amd64"; "i386"; };
	APT::Sandbox::User "";
	Acquire::Check-Valid-Until "false";
	Acquire::Languages "none";
	Dir::Etc::SourceList "$folder/sources.list";
	Dir::Etc::SourceParts "-";
	Dir::State::Lists "$folder/lists";
	Dir::State::status "$folder/status";
	Dir::Cache "$folder/cache";
	END
	say "package lists of Debian $1"
	apt "$1" apt-get update -q >"$folder/log" 2>&1 || say "they could not be had: $(tail -n 1 "$folder/log")"
}

# unpack SUITE TO PACKAGE...
unpack() {
	suite=$1
	to=$2
	shift 2
	mkdir -p "$to/archives"
	say "unpacking from $suite: $*"
	(cd "$to/archives" && apt "$suite" apt-get download -q "$@" >>"$glibc/apt/$suite/log" 2>&1) || return 1
	for archive in "$to"/archives/*.deb; do
		dpkg-deb -x "$archive" "$to" || return 1
	done
	rm -r "$to/archives"
}

# has SUITE RELEASE: by the lists.
has() {
	for architecture in amd64 i386; do
		apt "$1" apt-cache madison libc6:$architecture 2>/dev/null | grep -q "| *$2[-+~.]" || return 1
	done
}

# take RELEASE SUITE: keeps the folders of shared objects, if they are what their own text says.
take() {
	root=$glibc/apt/root
	rm -rf "$root" "$glibc/apt/taken"
	unpack "$2" "$root" libc6:amd64 libc6:i386 || return 1
	mkdir -p "$glibc/apt/taken"
	for abi in x86_64 i386; do
		for folder in "$root/usr/lib/$abi-linux-gnu" "$root/lib/$abi-linux-gnu"; do
			[ -e "$folder/libc.so.6" ] || continue
			rm -rf "$folder/gconv"
			mv "$folder" "$glibc/apt/taken/$abi"
		done
		grep -aq "stable release version $1\." "$glibc/apt/taken/$abi/libc.so.6" || return 1
	done
	mv "$glibc/apt/taken" "$glibc/$1"
}

fetch_release() {
	release=$1
	shift
	for suite; do
		know_suite "$suite"
		if has "$suite" "$release" && take "$release" "$suite"; then
			found "$release"
			return 0
		fi
	done
	give_up "$release" "the package sources here have no glibc $release in $*"
}

fetch_dev() {
	know_suite "$oldest"
	rm -rf "$glibc/apt/dev"
	# shellcheck disable=SC2086
	if unpack "$oldest" "$glibc/apt/dev" $dev_packages; then
		rm -rf "$glibc/apt/dev/usr/share" "$glibc"/apt/dev/usr/lib/*/gconv
		mv "$glibc/apt/dev" "$glibc/dev"
		found dev
	else
		give_up dev "the package sources here do not have" $dev_packages "of $oldest"
	fi
}

fetch() {
	echo "$1" | while read -r name suites; do
		# shellcheck disable=SC2086
		case $name in
		dev) fetch_dev ;;
		*) fetch_release "$name" $suites ;;
		esac
	done
	rm -rf "$glibc/apt"
}

rows=$(missing)
[ -n "$rows" ] || exit 0
mkdir -p "$glibc"
rm -rf "$glibc/apt"
reason=
[ "$(uname -m)" = x86_64 ] || reason="this machine is no x86_64"
command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 ||
	reason="only apt-get is known to have other releases"
[ -z "${DUMPCORE_NO_INSTALL:-}" ] || reason="DUMPCORE_NO_INSTALL is set"
site=
[ -n "$reason" ] || site=$(mirror)
[ -n "$reason" ] || [ -n "$site" ] || reason="this machine's packages do not come from Debian"
if [ -n "$reason" ]; then
	say "no other releases of glibc: $reason"
	echo "$rows" | while read -r name suites; do
		echo "$reason" >"$glibc/$name.reason"
	done
else
	fetch "$rows"
fi
