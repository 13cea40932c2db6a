#!/usr/bin/env bash
# Runs the legs of the test suite, one line each: leg, tests, seconds. What a leg printed is shown
# if it failed, and kept in $PRECISE_CACHE/logs.
#
#   legs.sh                 what `make test` runs
#   legs.sh --all           and the long runs; writes docs/tested.md
#   legs.sh --only LEG...   these
set -uo pipefail
cd "$(dirname "$0")/.."
: "${PRECISE_CACHE:?set by the Makefile}" "${CARGO_TARGET_DIR:?set by the Makefile}"
export PRECISE_PYTHON="$PRECISE_CACHE/venv/bin/python"
export PATH="$PRECISE_CACHE/tools/bin:$PATH"
# The extension needs a server's headers, so it is no part of the other builds, and has a target
# folder of its own.
pg_config=/usr/lib/postgresql/15/bin/pg_config
pg_target="$PRECISE_CACHE/postgres"
export PRECISE_PG_LIBRARY="$pg_target/debug/libpg_precise.so"
precise="$CARGO_TARGET_DIR/debug/precise"
xtask="$CARGO_TARGET_DIR/debug/xtask"
logs="$PRECISE_CACHE/logs"
mkdir -p "$logs"

# The judge of logs, in Go. What it is made of was downloaded by setup.
export PRECISE_JUDGE="$PRECISE_CACHE/tools/bin/judge"
# A server that speaks S3, from the Python environment.
export PRECISE_S3_SERVER="$PRECISE_CACHE/venv/bin/moto_server"

# Legs, in order. Each is a function of that name.
main_legs=(build build-postgres judges tests format clippy clippy-postgres no-std generated tidy
    reference generated-documents typed-rows attribution royalties outside releases examples deny)
long_legs=(postgres-16 postgres-18 generated-documents-long jsonb-documents-long attribution-long
    royalties-long simulation-long release-tests)

leg_build() { cargo build --workspace --exclude pg_precise --all-targets; }

leg_build_postgres() { PROFILE=dev pg_precise/package.sh build "$pg_config"; }

# A judge that the tests ask, and the tests of that judge. Without vet, which would read all that
# Tessera is made of.
leg_judges() (
    cd tests/judges/go || return
    go="$PRECISE_CACHE/venv/bin/go"
    export GOPROXY=off
    unformatted="$("$("$go" env GOROOT)/bin/gofmt" -l .)" || return
    if [ -n "$unformatted" ]; then
        echo "error: gofmt would change $unformatted"
        return 1
    fi
    mkdir -p "${PRECISE_JUDGE%/*}"
    "$go" build -o "$PRECISE_JUDGE" . && "$go" test -vet=off -v .
)

leg_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --exclude pg_precise --no-fail-fast &&
            cargo test --workspace --exclude pg_precise --doc
    else
        cargo test --workspace --exclude pg_precise --no-fail-fast
    fi
}

# All tests of the extension, in another version of the server than Debian's.
test_in_server() {
    local server
    server="$(echo "$PRECISE_CACHE/pg$1"/*/pginstall/bin/pg_config)"
    if ! [ -x "$server" ]; then
        echo "SKIPPED: PostgreSQL $1: PyPI has no such server for this machine"
        return 0
    fi
    PROFILE=dev pg_precise/package.sh build "$server" &&
        PRECISE_PG_CONFIG="$server" \
            PRECISE_PG_LIBRARY="$PRECISE_CACHE/postgres-$1/debug/libpg_precise.so" \
            cargo test -p precise-postgres --no-fail-fast
}

leg_postgres_16() { test_in_server 16; }

leg_postgres_18() { test_in_server 18; }

leg_format() { cargo fmt --all --check; }

leg_clippy() {
    cargo clippy --workspace --exclude pg_precise --all-targets -- --deny warnings
}

leg_clippy_postgres() {
    PGRX_PG_CONFIG_PATH="$pg_config" CARGO_TARGET_DIR="$pg_target" \
        cargo clippy --manifest-path pg_precise/Cargo.toml -- --deny warnings
}

# The core alone, without the standard library, as WebAssembly will need it.
leg_no_std() { cargo check --manifest-path precise-core/Cargo.toml --no-default-features; }

# What was released stays as it was.
leg_generated() {
    "$xtask" codegen --check && "$xtask" vectors --check &&
        (cd pg_precise/released && sha256sum --check --quiet --strict SHA256SUMS)
}

leg_tidy() { "$xtask" tidy; }

# The second implementation recomputes every vector.
leg_reference() { "$PRECISE_PYTHON" tests/reference/check_vectors.py tests/vectors; }

# Both implementations read the same random documents, good and bad.
leg_generated_documents() {
    "$PRECISE_PYTHON" tests/reference/check_generated.py --precise "$precise" --count 10000
}

leg_generated_documents_long() {
    for seed in 2 3 4 5 6; do
        "$PRECISE_PYTHON" tests/reference/check_generated.py --precise "$precise" \
            --count 40000 --seed "$seed" || return
    done
}

# Random documents, new ones each time, as text and as jsonb in a server.
leg_jsonb_documents_long() {
    PRECISE_FUZZ_SECONDS="${PRECISE_FUZZ_SECONDS:-300}" \
        cargo test -p precise-postgres --test jsonb wild
}

# Committers over stores that fail, in thousands of orders.
leg_simulation_long() {
    PRECISE_SIMULATION_SEEDS="${PRECISE_SIMULATION_SEEDS:-3000}" \
        cargo test --workspace --exclude pg_precise --test commit simulation
}

# Outside libraries and programs agree with the binary on real requests and on its files.
leg_outside() { "$PRECISE_PYTHON" tests/reference/check_outside.py --precise "$precise"; }

# What is kept of an audience's members, and which release is refused.
leg_releases() { "$PRECISE_PYTHON" tests/reference/check_releases.py --precise "$precise"; }

# The commands that README and SPEC show give what they show, and outside tools agree.
leg_examples() { "$PRECISE_PYTHON" tests/examples.py --precise "$precise"; }

# Rows of real Parquet, and of every type, as both implementations mint them.
leg_typed_rows() {
    "$PRECISE_PYTHON" tests/reference/check_parquet.py --precise "$precise" &&
        "$PRECISE_PYTHON" tests/reference/check_cells.py --precise "$precise" --count 5000
}

# Credit and statistics of random paths and users, by the binaries, the reference, and others'
# programs.
leg_attribution() {
    "$PRECISE_PYTHON" tests/reference/check_attribution.py \
        --precise "$precise" --sql "$CARGO_TARGET_DIR/debug/precise-sql"
}

leg_attribution_long() {
    for seed in 2 3; do
        "$PRECISE_PYTHON" tests/reference/check_attribution.py \
            --precise "$precise" --sql "$CARGO_TARGET_DIR/debug/precise-sql" \
            --seed "$seed" --rows 3000 --channel-attribution || return
    done
}

# Accruals, settlements, statements, lines and ledgers, by the SQL functions, the reference, and
# others' programs and rules.
leg_royalties() {
    "$PRECISE_PYTHON" tests/reference/check_royalties.py --sql "$CARGO_TARGET_DIR/debug/precise-sql"
}

leg_royalties_long() {
    for seed in 2 3 4; do
        "$PRECISE_PYTHON" tests/reference/check_royalties.py \
            --sql "$CARGO_TARGET_DIR/debug/precise-sql" --seed "$seed" --cases 5000 --ledgers 40 ||
            return
    done
}

leg_deny() {
    # Setup may still be building it.
    local building
    building="$(cat "$PRECISE_CACHE/cargo-deny.pid" 2>/dev/null)"
    while [ -n "$building" ] && kill -0 "$building" 2>/dev/null; do sleep 1; done
    command -v cargo-deny >/dev/null || { cat "$PRECISE_CACHE/cargo-deny.log"; return 1; }
    cargo deny --offline check bans licenses sources
}

# The default members: optimising the SQL engine would take longer than everything else together.
leg_release_tests() { cargo test --release --no-fail-fast; }

# How many tests a log tells of: cargo's, nextest's, Go's, or `N passed, N failed` lines.
count_tests() {
    sed -nE 's/^test result: .* ([0-9]+) passed; .*/\1/p; s/^ *Summary .* ([0-9]+) passed.*/\1/p
        s/^--- PASS: .*/1/p
        s/^([0-9]+) passed, [0-9]+ failed$/\1/p' "$1" | awk '{ n += $1 } END { print n + 0 }'
}

if [ "${1:-}" = --only ]; then
    shift
    legs=("$@")
elif [ "${1:-}" = --all ]; then
    legs=("${main_legs[@]}" "${long_legs[@]}")
else
    legs=("${main_legs[@]}")
fi

passed=0 failed=0 skipped=0 table=""
for leg in "${legs[@]}"; do
    log="$logs/$leg.log"
    started=$SECONDS
    if "leg_${leg//-/_}" >"$log" 2>&1 </dev/null; then
        tests=$(count_tests "$log")
        # A leg that counts nothing is one check: it passed or it did not.
        ((tests > 0)) || tests=1
        passed=$((passed + tests))
        line=$(printf '%-26s %6d passed  %5d s' "$leg" "$tests" $((SECONDS - started)))
    else
        failed=$((failed + 1))
        line=$(printf '%-26s        FAILED  %5d s' "$leg" $((SECONDS - started)))
    fi
    echo "$line"
    table+="$line"$'\n'
    # A skip inside a leg is said aloud, with its reason.
    while read -r skip; do
        skipped=$((skipped + 1))
        echo "    $skip"
        table+="    $skip"$'\n'
    done < <(grep -ohE 'SKIPPED: .*' "$log" | sort -u)
    if [[ "$line" == *FAILED* ]]; then
        {
            grep -nE 'FAILED|panicked|^error' "$log" | head -n 20
            tail -n 40 "$log"
        } | sed 's/^/    | /'
    fi
done

if [[ " ${legs[*]} " == *" release-tests "* ]]; then
    {
        echo "# What was tested"
        echo
        echo "Written by \`make test-all\` on $(date -u +%F), at commit $(git rev-parse --short HEAD)."
        echo
        echo '```text'
        uname -sm
        rustc --version
        "$PRECISE_PYTHON" --version
        echo
        printf '%s' "$table"
        echo '```'
    } >docs/tested.md
fi
echo
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
