#!/usr/bin/env bash
# Opens the page of `grass-sim explain` in headless Chromium and uses it: keys, pointer, filters, search.
# Needs Debian's chromium and npm's playwright-core, of which the lock file beside this has the checksum.
# Screenshots are left in build/explain.
#
#   bash tests/explain/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/packages.sh
. tests/packages.sh
install_packages "${BUILD_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
for program in chromium npm; do
  command -v "$program" >/dev/null || install_packages "$program"
done
work=$PWD/build/explain
mkdir -p "$work"
{ cmake --preset release && cmake --build --preset release --target explain_pages; } >"$work/build.log" 2>&1 || {
  tail -n 40 "$work/build.log" >&2
  exit 1
}
build/release/bin/explain_pages "$work" tests/sim/schedules/elected.txt
cp tests/explain/.npmrc tests/explain/package.json tests/explain/package-lock.json tests/explain/page_test.mjs "$work/"
cd "$work"
npm ci >npm.log 2>&1 || {
  tail -n 20 npm.log >&2
  exit 1
}
if ! PAGES=$work CHROMIUM=$(command -v chromium) timeout 300 node --test page_test.mjs; then
  echo "To repeat it: bash tests/explain/run.sh" >&2
  exit 1
fi
