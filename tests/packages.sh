# shellcheck shell=bash
# The Debian packages that grassdb is built from, in one place: sourced by start_cluster.sh and by
# tests/run.sh.
#
#   . tests/packages.sh
#   install_packages "${BUILD_PACKAGES[@]}"

# shellcheck disable=SC2034
BUILD_PACKAGES=(
  g++ cmake ninja-build pkg-config
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  libabsl-dev libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev
  libxxhash-dev libzstd-dev libjemalloc-dev libbenchmark-dev
)
# shellcheck disable=SC2034
TEST_PACKAGES=(libgtest-dev librapidcheck-dev patch)

# For the scripts of tests/bench; etcd itself they fetch without installing it.
# shellcheck disable=SC2034
BENCH_PACKAGES=(curl jq)

# For tests/bench/instructions.sh.
# shellcheck disable=SC2034
COUNT_PACKAGES=(valgrind jq)

# For a second compiler: the presets dev, clang and fuzz.
# shellcheck disable=SC2034
CLANG_PACKAGES=(clang libclang-rt-14-dev)

# For the rest of what continuous integration does: the format, and tests/mutants/run.sh.
# shellcheck disable=SC2034
CI_PACKAGES=("${CLANG_PACKAGES[@]}" clang-format rsync)

# Prints those of the named packages that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      echo "$package"
    fi
  done
}

# Installs those of the named packages that are missing; needs neither root nor a network if none is.
# Returns 1, with one clear line on stderr, if it cannot.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This needs Debian's package tools (apt-get, dpkg-query). Elsewhere, install by hand what" \
      "tests/packages.sh lists, then run cmake --preset release." >&2
    return 1
  fi
  local missing=() root=() log
  mapfile -t missing < <(missing_packages "$@")
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "These packages are missing, and installing them needs root: ${missing[*]}" >&2
      return 1
    fi
    root=(sudo)
  fi
  echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
  log=$(mktemp)
  if ! { "${root[@]}" apt-get update && "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -f "$log"
    echo "Could not install: ${missing[*]}. The last lines of apt-get are above." >&2
    return 1
  fi
  rm -f "$log"
}
