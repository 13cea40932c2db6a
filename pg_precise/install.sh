#!/usr/bin/env bash
# Builds the extension and puts it where a server looks for it: install.sh PG_CONFIG
set -euo pipefail
pg_config="$(command -v "${1:?usage: install.sh PG_CONFIG}")"
cd "$(dirname "$0")"
version="$("$pg_config" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')"
target="${PRECISE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/precise}/postgres"
echo "building for PostgreSQL $version in $target"
PGRX_PG_CONFIG_PATH="$pg_config" CARGO_TARGET_DIR="$target" cargo build --locked --release \
    --no-default-features --features "pg$version"
library="$("$pg_config" --pkglibdir)" extension="$("$pg_config" --sharedir)/extension"
# Root's folders are written to as root, one's own as oneself.
if [ -w "$library" ] && [ -w "$extension" ]; then as_owner=(); else as_owner=(sudo); fi
# The library is replaced and not written over: servers have the old one open.
"${as_owner[@]}" install -m 755 "$target/release/libpg_precise.so" "$library/pg_precise.so"
"${as_owner[@]}" install -m 644 pg_precise.control pg_precise--*.sql "$extension"
echo "installed in $library and $extension; now, in a database: CREATE EXTENSION pg_precise;"
