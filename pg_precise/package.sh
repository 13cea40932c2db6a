#!/usr/bin/env bash
# The extension, built and put where a server looks for it.
#
#   package.sh build PG_CONFIG       builds the library, and says where it is
#   package.sh install PG_CONFIG     builds it, and puts it and the SQL in the server's folders
#   package.sh uninstall PG_CONFIG   takes them away again
#   package.sh deb PG_CONFIG         builds it, and a Debian package of it in the current folder
#
#   DESTDIR=FOLDER   stands in for the root of the file system
#   LIBRARY=FILE     a library that was built before; nothing is built
#   PROFILE=dev      not optimised: quickly built, slow
set -euo pipefail

fail() {
    printf 'pg_precise: %s\n' "$@" >&2
    exit 1
}

(($# == 2)) || fail "usage: package.sh build|install|uninstall|deb PG_CONFIG"
pg_config="$(command -v "$2")" || fail "there is no program $2" \
    "PG_CONFIG is the server's own: /usr/lib/postgresql/15/bin/pg_config, for example"
extension_sources="$(cd "$(dirname "$0")" && pwd)"
printed="$("$pg_config" --version | head -n 1)"
server="$(sed -E 's/^PostgreSQL ([0-9]+).*/\1/' <<<"$printed")"
case "$server" in
15 | 16 | 18) ;;
*) fail "$printed is not supported; 15, 16 and 18 are" ;;
esac
version="$(sed -nE "s/^default_version = '(.*)'/\1/p" "$extension_sources/pg_precise.control")"
library_folder="$("$pg_config" --pkglibdir)"
extension_folder="$("$pg_config" --sharedir)/extension"

# Cargo's folder. Each version of the server has its own, since their libraries have one name; the
# version that every test runs on has the first.
cache="${PRECISE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/precise}"
target="$cache/postgres"
[ "$server" = 15 ] || target+="-$server"

# Sets `library`.
build() {
    library="${LIBRARY:-}"
    if [ -n "$library" ]; then
        [ -f "$library" ] || fail "there is no file $library"
        grep -q pg_finfo_precise_call "$library" || fail "$library is no library of pg_precise"
        return
    fi
    # Cargo's folder would be root's from then on, and the compilers would run with its rights.
    if [ "$(id -u)" = 0 ] && [ "${SUDO_UID:-0}" != 0 ]; then
        fail "nothing is built under sudo; as yourself: make pg-build PG_CONFIG=$pg_config" \
            "which says how to go on"
    fi
    command -v cargo >/dev/null || fail "cargo is missing; https://rustup.rs has it"
    [ -f "$("$pg_config" --includedir-server)/postgres.h" ] ||
        fail "the headers of $printed are missing (Debian: postgresql-server-dev-$server)"
    local profile="${PROFILE:-release}" folder
    folder="$profile"
    [ "$profile" != dev ] || folder=debug
    echo "building for $printed in $target"
    PGRX_PG_CONFIG_PATH="$pg_config" CARGO_TARGET_DIR="$target" cargo build --locked --quiet \
        --manifest-path "$extension_sources/Cargo.toml" --profile "$profile" \
        --no-default-features --features "pg$server"
    library="$target/$folder/libpg_precise.so"
}

# What a folder that is not there yet would be made in.
nearest() {
    local folder="$1"
    until [ -e "$folder" ]; do folder="$(dirname "$folder")"; done
    printf '%s' "$folder"
}

demand_writable() {
    local folder
    for folder in "$1$library_folder" "$1$extension_folder"; do
        [ -w "$(nearest "$folder")" ] || fail "$folder is not yours to write to" \
            "to build as yourself and install as root:" \
            "  make pg-build PG_CONFIG=$pg_config" \
            "  sudo make pg-install PG_CONFIG=$pg_config LIBRARY=${library:-FILE}" \
            "or give a folder to install into: make pg-install PG_CONFIG=$pg_config DESTDIR=FOLDER"
    done
}

# Puts the files under a folder that stands in for the root.
place() {
    install -d "$1$library_folder" "$1$extension_folder"
    # The old library is unlinked and not written over: sessions have it open.
    install -m 755 "$library" "$1$library_folder/pg_precise.so"
    install -m 644 "$extension_sources/pg_precise.control" \
        "$extension_sources"/pg_precise--*.sql "$extension_sources"/released/pg_precise--*.sql \
        "$1$extension_folder"
}

install_extension() {
    local root="${DESTDIR:-}"
    library="${LIBRARY:-}"
    demand_writable "$root"
    build
    place "$root"
    echo "installed pg_precise $version for $printed:"
    echo "  $root$library_folder/pg_precise.so"
    echo "  $root$extension_folder/pg_precise.control, pg_precise--*.sql"
    echo "in a new database: CREATE EXTENSION pg_precise"
    echo "where it is already: ALTER EXTENSION pg_precise UPDATE, in new sessions"
}

uninstall_extension() {
    local root="${DESTDIR:-}" file found=
    for file in "$root$library_folder/pg_precise.so" \
        "$root$extension_folder/pg_precise.control" "$root$extension_folder"/pg_precise--*.sql; do
        [ -e "$file" ] || continue
        [ -w "$(dirname "$file")" ] || fail "$(dirname "$file") is not yours to write to" \
            "sudo make pg-uninstall PG_CONFIG=$pg_config"
        rm "$file"
        echo "removed $file"
        found=yes
    done
    [ -n "$found" ] || fail "pg_precise is not installed for $printed in ${root:-/}"
    echo "databases that have the extension keep its tables, and its functions fail from now on;"
    echo "pg_precise/uninstall.sql is for before this"
}

build_package() {
    [ "$library_folder" = "/usr/lib/postgresql/$server/lib" ] ||
        fail "$pg_config is not Debian's own; a package is only for /usr/lib/postgresql/$server"
    command -v dpkg-shlibdeps >/dev/null || fail "dpkg-shlibdeps is missing (Debian: dpkg-dev)"
    build
    local name="postgresql-$server-pg-precise" work root architecture depends package
    architecture="$(dpkg --print-architecture)"
    package="${name}_${version}_$architecture.deb"
    work="$(mktemp -d)"
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    root="$work/root"
    place "$root"
    strip --strip-unneeded "$root$library_folder/pg_precise.so"
    install -d "$root/usr/share/doc/$name" "$root/DEBIAN" "$work/debian"
    install -m 644 "$extension_sources/uninstall.sql" "$root/usr/share/doc/$name/uninstall.sql"
    install -m 644 "$extension_sources/copyright" "$root/usr/share/doc/$name/copyright"
    # Which C library it needs at least is told by the symbols it uses. It wants a source package.
    printf 'Source: pg-precise\n\nPackage: %s\nArchitecture: any\n' "$name" >"$work/debian/control"
    depends="$(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info \
        "$root$library_folder/pg_precise.so" 2>"$work/shlibdeps.log" |
        sed -n 's/^shlibs:Depends=//p')" || true
    [ -n "$depends" ] || fail "dpkg-shlibdeps does not say what the library needs:" \
        "$(cat "$work/shlibdeps.log")"
    (cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) \
        >"$work/md5sums"
    install -m 644 "$work/md5sums" "$root/DEBIAN/md5sums"
    cat >"$work/control" <<CONTROL
Package: $name
Version: $version
Architecture: $architecture
Section: database
Priority: optional
Maintainer: Precise contributors <precise@project.invalid>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: postgresql-$server, $depends
Description: proofs of data, minted in the PostgreSQL database that holds it
 Tables whose rows carry proofs from the moment they are written, batches of
 proofs for a public log, receipts, and what it takes to verify and to erase
 them.
CONTROL
    install -m 644 "$work/control" "$root/DEBIAN/control"
    # mktemp's folder is its owner's alone; the package's root is everyone's.
    chmod -R u=rwX,go=rX "$root"
    dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
    echo "built $package"
}

case "$1" in
build)
    build
    echo "built $library; to install it as root:"
    echo "  sudo make pg-install PG_CONFIG=$pg_config LIBRARY=$library"
    ;;
install) install_extension ;;
uninstall) uninstall_extension ;;
deb) build_package ;;
*) fail "there is no $1; build, install, uninstall and deb are what there is" ;;
esac
