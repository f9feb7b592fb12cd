#!/bin/sh
# Checks what a build or the tests need, and installs what is missing with the distribution's package
# manager. Where nothing is missing it is silent and the network is not touched.
#
# usage: ensure-packages.sh build|test|cross|fuzz [--dry-run]
#
#   build   compiler, make, pkg-config and the libraries of both programs
#   test    what the tests need on top, and the programs that live tests capture
#   fuzz    clang with libFuzzer
#   cross   what a build of dumpcore for aarch64 needs; where it cannot be had, it fails and the reason
#           is on standard output
#
# apt-get is run directly as root or through sudo, after the line was shown. For dnf, apk, pacman and
# brew the line is run where that is possible without a password, else it is printed.
# redis-server and nginx are never installed: their packages would start services. Nor are allocators
# and a program in Go, which only tests want. They are downloaded and unpacked to build/packages,
# which needs no root; `-s` asks apt for what they need.
# So are the libraries for aarch64, with package lists of their own: the system's stay as they are.
# DUMPCORE_NO_INSTALL=1 only prints what is missing.
set -eu
cd "$(dirname "$0")/.."

tier=${1:-}
dry_run=${DUMPCORE_NO_INSTALL:-}
[ "${2:-}" = --dry-run ] && dry_run=1
unpacked=build/packages/root
foreign=$PWD/build/packages/aarch64

say() {
	echo "packages: $*" >&2
}

# One row a need: KIND:NAME, then the package that has it for apt, dnf, apk, pacman and brew.
# A comma separates alternatives (the first that the distribution has), a plus joins several, '-'
# stands for none. Kinds: module (pkg-config), header, command, program and python (optional: a program
# that is captured, reads archives or is measured beside ours, or a module of the system's python3; tests
# say that they were skipped, and the bench that there is nothing to compare with, where it cannot be had).
needs_of_build() {
	cat <<-'END'
	command:cc gcc gcc gcc gcc -
	command:make make make make make -
	header:stdio.h libc6-dev glibc-devel+glibc-static musl-dev glibc -
	command:pkg-config pkg-config pkgconf-pkg-config pkgconf pkgconf pkgconf
	module:jansson libjansson-dev jansson-devel jansson-dev+jansson-static jansson jansson
	module:libzstd libzstd-dev libzstd-devel+libzstd-static zstd-dev+zstd-static zstd zstd
	module:libxxhash libxxhash-dev xxhash-devel xxhash-dev xxhash xxhash
	module:libelf libelf-dev elfutils-libelf-devel elfutils-dev libelf elfutils
	module:libpcre2-8 libpcre2-dev pcre2-devel pcre2-dev pcre2 pcre2
	module:libhs libvectorscan-dev,libhyperscan-dev vectorscan-devel,hyperscan-devel vectorscan-dev vectorscan vectorscan
	module:yaml-0.1 libyaml-dev libyaml-devel yaml-dev libyaml libyaml
	module:zlib zlib1g-dev zlib-devel zlib-dev zlib zlib
	END
}

needs_of_test() {
	cat <<-'END'
	module:cmocka libcmocka-dev libcmocka-devel cmocka-dev cmocka cmocka
	command:python3 python3 python3 python3 python python
	command:gdb gdb gdb gdb gdb gdb
	command:readelf binutils binutils binutils binutils binutils
	command:eu-readelf elfutils elfutils elfutils elfutils elfutils
	command:eu-stack elfutils elfutils elfutils elfutils elfutils
	command:zstd zstd zstd zstd zstd zstd
	command:setpriv util-linux util-linux setpriv util-linux -
	python:drgn python3-drgn drgn drgn drgn -
	python:yaml python3-yaml python3-pyyaml py3-yaml python-yaml -
	program:age age age age age age
	program:lz4 lz4 lz4 lz4 lz4 lz4
	program:openssl openssl openssl openssl openssl openssl
	program:yara yara yara yara yara yara
	program:node nodejs nodejs nodejs nodejs node
	program:javac default-jdk-headless java-latest-openjdk-devel openjdk17-jdk jdk-openjdk openjdk
	END
}

needs_of_fuzz() {
	cat <<-'END'
	command:clang clang clang clang clang llvm
	fuzzer:clang libclang-rt-dev,libclang-rt-14-dev compiler-rt compiler-rt compiler-rt -
	END
}

needs_of_cross() {
	cat <<-'END'
	command:aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu - - - -
	cross-header:stdio.h libc6-dev-arm64-cross - - - -
	END
}

# Of aarch64: unpacked, never installed.
foreign_modules='jansson libzstd libxxhash'
foreign_packages='libjansson-dev libzstd-dev libxxhash-dev'

# Packages that are unpacked, never installed: alternatives of names, then a file that shows that it
# is there, below the root of the system or of what was unpacked.
unpacked_packages() {
	cat <<-'END'
	redis-server usr/bin/redis-server
	nginx usr/sbin/nginx
	libjemalloc2 usr/lib/*/libjemalloc.so.2
	libtcmalloc-minimal4,libtcmalloc-minimal4t64 usr/lib/*/libtcmalloc_minimal.so.4
	libmimalloc2.0,libmimalloc2.1,libmimalloc3 usr/lib/*/libmimalloc.so.[0-9]
	gron usr/bin/gron
	END
}

package_manager() {
	for manager in apt-get dnf apk pacman brew; do
		if command -v $manager >/dev/null 2>&1; then
			echo $manager
			return
		fi
	done
	echo none
}

# is_there KIND:NAME
is_there() {
	name=${1#*:}
	case $1 in
	module:*) pkg-config --exists "$name" 2>/dev/null ;;
	header:*) echo "#include <$name>" | cc -E - >/dev/null 2>&1 ;;
	cross-header:*) echo "#include <$name>" | aarch64-linux-gnu-gcc -E - >/dev/null 2>&1 ;;
	fuzzer:*) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
		"$name" -x c - -fsanitize=fuzzer -o /dev/null >/dev/null 2>&1 ;;
	python:*) /usr/bin/python3 -c "import $name" >/dev/null 2>&1 || python3 -c "import $name" >/dev/null 2>&1 ;;
	*) command -v "$name" >/dev/null 2>&1 ;;
	esac
}

manager=$(package_manager)
case $manager in
apt-get) column=2 ;;
dnf) column=3 ;;
apk) column=4 ;;
pacman) column=5 ;;
*) column=6 ;;
esac

# is_known PACKAGE: only apt-get can be asked without the network.
is_known() {
	[ "$manager" != apt-get ] || [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]
}

# The first known one of "a,b", and "a+b" as two words.
choose_package() {
	for candidate in $(echo "$1" | tr ',' ' '); do
		chosen=$(echo "$candidate" | tr '+' ' ')
		# shellcheck disable=SC2086
		set -- $chosen
		is_known "$1" && break
	done
	echo "$chosen"
}

# missing ROWS: prints the rows of needs that are not met.
missing() {
	echo "$1" | while read -r row; do
		is_there "${row%% *}" || echo "$row"
	done
}

# packages_of ROWS
packages_of() {
	echo "$1" | while read -r row; do
		[ -n "$row" ] || continue
		package=$(echo "$row" | cut -d' ' -f$column)
		[ "$package" = - ] || choose_package "$package"
	done | tr '\n' ' ' | sed 's/ *$//'
}

names_of() {
	echo "$1" | cut -d' ' -f1 | cut -d: -f2 | tr '\n' ' '
}

install_line() {
	case $manager in
	apt-get) echo "apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $1" ;;
	dnf) echo "dnf install -y $1" ;;
	apk) echo "apk add $1" ;;
	pacman) echo "pacman -S --needed --noconfirm $1" ;;
	brew) echo "brew install $1" ;;
	*) echo "(no known package manager) install: $1" ;;
	esac
}

# Words to put before a command that needs root; fails where it cannot be had.
as_root() {
	if [ "$(id -u)" = 0 ] || [ "$manager" = brew ]; then
		return 0
	fi
	command -v sudo >/dev/null 2>&1 || return 1
	if [ -t 0 ]; then echo sudo; else sudo -n true 2>/dev/null && echo "sudo -n"; fi
}

# run COMMAND...: says the line, then runs it; the manager must not read our input.
run() {
	say "$*"
	"$@" </dev/null >&2
}

apt_update_done=
apt_update() {
	[ -z "$apt_update_done" ] || return 0
	apt_update_done=1
	# shellcheck disable=SC2086
	run $1 apt-get update -q || say "apt-get update failed; going on with the lists that are there"
}

# install_rows ROWS: installs their packages; fails where it could not.
install_rows() {
	if ! prefix=$(as_root) || [ "$manager" = none ] || [ -n "$dry_run" ]; then
		line=$(install_line "$(packages_of "$1")")
		say "missing: $(names_of "$1")"
		say "to install it, as root: $line"
		return 1
	fi
	if [ "$manager" = apt-get ]; then
		export DEBIAN_FRONTEND=noninteractive
		known_all "$1" || apt_update "$prefix"
	fi
	line=$(install_line "$(packages_of "$1")")
	# shellcheck disable=SC2086
	run $prefix $line && return 0
	[ "$manager" = apt-get ] || return 1
	apt_update "$prefix" # the lists may name versions that are gone
	# shellcheck disable=SC2086
	run $prefix $line
}

# known_all ROWS: true where apt's lists have a package for each row.
known_all() {
	for package in $(packages_of "$1"); do
		is_known "$package" || return 1
	done
}

# One package and those of its needs that are not installed, unpacked side by side.
unpack() {
	if [ "$manager" != apt-get ] || [ -n "$dry_run" ]; then
		say "$1 is not there: the tests that capture it will be skipped"
		return 0
	fi
	is_known "$1" || { prefix=$(as_root) && apt_update "$prefix"; } || true
	wanted=$(apt-get install -s --no-install-recommends "$1" 2>/dev/null | awk '/^Inst /{print $2}')
	if [ -z "$wanted" ]; then
		say "the package sources here do not have $1: the tests that capture it will be skipped"
		return 0
	fi
	folder=$PWD/build/packages/$1
	mkdir -p "$folder" "$unpacked"
	say "cd build/packages/$1 && apt-get download $(echo "$wanted" | tr "\n" " ")"
	# shellcheck disable=SC2086
	if ! (cd "$folder" && apt-get download -q $wanted </dev/null >&2); then
		say "$1 could not be downloaded: the tests that capture it will be skipped"
		return 0
	fi
	for archive in "$folder"/*.deb; do
		dpkg-deb -x "$archive" "$unpacked"
	done
}

# is_unpacked FILE: here or in the system.
is_unpacked() {
	# shellcheck disable=SC2086
	for place in /$1 "$unpacked"/$1; do
		[ ! -e "$place" ] || return 0
	done
	return 1
}

no_cross() {
	echo "$*"
	exit 1
}

has_foreign_modules() {
	# shellcheck disable=SC2086
	PKG_CONFIG_LIBDIR=$foreign/root/usr/lib/aarch64-linux-gnu/pkgconfig \
		pkg-config --exists $foreign_modules 2>/dev/null
}

unpack_foreign() {
	mkdir -p "$foreign/lists/partial" "$foreign/cache/archives/partial" "$foreign/root"
	: >"$foreign/status"
	cat >"$foreign/apt.conf" <<-END
	APT::Architecture "arm64";
	APT::Architectures { "arm64"; };
	APT::Sandbox::User "";
	Dir::State::Lists "$foreign/lists";
	Dir::State::status "$foreign/status";
	Dir::Cache "$foreign/cache";
	END
	say "packages of aarch64, to be unpacked in build/packages/aarch64:"
	run env APT_CONFIG="$foreign/apt.conf" apt-get update -q || true # what is missing shows below
	# shellcheck disable=SC2086
	(cd "$foreign" && run env APT_CONFIG="$foreign/apt.conf" apt-get download -q $foreign_packages) ||
		no_cross "no libraries: the package sources here do not have $foreign_packages for arm64"
	for archive in "$foreign"/*.deb; do
		dpkg-deb -x "$archive" "$foreign/root"
	done
}

ensure_cross() {
	rows=$(missing "$(needs_of_cross)")
	[ "$manager" = apt-get ] || [ -z "$rows" ] ||
		no_cross "no cross compiler: only apt-get is known to have $(names_of "$rows")"
	[ -z "$rows" ] || install_rows "$rows" ||
		no_cross "no cross compiler: $(names_of "$rows")could not be installed"
	! has_foreign_modules || return 0
	[ "$manager" = apt-get ] || no_cross "no libraries: only apt-get can unpack $foreign_packages"
	[ -z "$dry_run" ] || no_cross "no libraries: $foreign_packages would be unpacked"
	unpack_foreign
	has_foreign_modules || no_cross "no libraries: $foreign_packages have no .pc files"
}

ensure_build() {
	rows=$(missing "$(needs_of_build)")
	[ -z "$rows" ] || install_rows "$rows" || exit 1
}

ensure_fuzz() {
	rows=$(missing "$(needs_of_fuzz)")
	[ -z "$rows" ] || install_rows "$rows" || exit 1
}

ensure_test() {
	needed=$(missing "$(needs_of_test | grep -Ev '^(program|python):')")
	programs=$(missing "$(needs_of_test | grep -E '^(program|python):')")
	[ -z "$needed" ] || install_rows "$needed" || exit 1
	[ -z "$programs" ] || install_rows "$programs" ||
		say "going on without: $(names_of "$programs") (their tests will be skipped)"
	unpacked_packages | while read -r names file; do
		is_unpacked "$file" || unpack "$(choose_package "$names")"
	done
}

case $tier in
build) ensure_build ;;
test) ensure_test ;;
cross) ensure_cross ;;
fuzz) ensure_fuzz ;;
*)
	echo "usage: ensure-packages.sh build|test|cross|fuzz [--dry-run]" >&2
	exit 2
	;;
esac
