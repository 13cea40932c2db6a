#!/usr/bin/env bash
# Fuzzes each target for SECONDS (60 unless told), from the committed corpus. New inputs go to the
# cache; what crashes is left in tests/fuzz/libfuzzer/artifacts and belongs into the corpus.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds="${SECONDS_PER_TARGET:-60}"
cache="${PRECISE_CACHE:?set by the Makefile}/fuzz"
tools="$PRECISE_CACHE/tools"
export PATH="$tools/bin:$PATH"
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz: needs nightly Rust: rustup toolchain install nightly"
    exit 1
fi
if ! command -v cargo-fuzz >/dev/null; then
    echo "fuzz: building cargo-fuzz from crates.io"
    env -u CARGO_TARGET_DIR cargo install --quiet --locked --root "$tools" cargo-fuzz
fi
for target in $(cargo +nightly fuzz list --fuzz-dir tests/fuzz/libfuzzer); do
    mkdir -p "$cache/$target"
    echo "== $target, $seconds s"
    cargo +nightly fuzz run --fuzz-dir tests/fuzz/libfuzzer "$target" "$cache/$target" \
        "tests/fuzz/corpus/$target" -- -max_total_time="$seconds" -print_final_stats=1
done
