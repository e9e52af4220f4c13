#!/bin/sh
# Brings the programs that some tests (or, with the argument `demo`, the demo) need from Debian or Ubuntu, where
# that is allowed. Quick when they are there. What needs a missing program is skipped and says so; hence this
# ends with 0 even without them.
set -u
purpose=${1:-tests}

need() { # need PACKAGE IS-THERE(yes|no) WHAT-IS-SKIPPED-WITHOUT-IT
    if [ "$2" = no ]; then
        missing="$missing $1"
        skipped="$skipped
  without $1: $3"
    fi
}

has_program() { for name in "$@"; do command -v "$name" >/dev/null 2>&1 && { echo yes; return; }; done; echo no; }
has_chinese_font() {
    if command -v fc-list >/dev/null 2>&1; then
        [ -n "$(fc-list :lang=zh-cn family 2>/dev/null)" ] && { echo yes; return; }
    elif [ -d /usr/share/fonts/opentype/noto ]; then
        echo yes; return
    fi
    echo no
}
# Debian keeps daemons in /usr/sbin, which is not in everybody's PATH.
PATH="$PATH:/usr/sbin:/sbin"

look() {
    missing=""; skipped=""
    if [ "$purpose" = demo ]; then
        need chromium "$(has_program chromium chromium-browser)" "registering somebody at the kiosk's pages"
        need fonts-noto-cjk "$(has_chinese_font)" "Chinese words in the kiosk's pictures"
        return
    fi
    need chromium "$(has_program chromium chromium-browser)" "tests of the gate screen (marker browser)"
    need fonts-noto-cjk "$(has_chinese_font)" "the test that Chinese words are drawn on the screen"
    need mosquitto "$(has_program mosquitto)" "tests against a real MQTT broker"
}

look
[ -z "$missing" ] && exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        as_root="no"
    fi
fi
if [ "$as_root" = no ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed here (needs root or sudo without a password, and apt-get):$missing"
    echo "Skipped ($purpose):$skipped"
    echo "To have them: sudo apt-get install --no-install-recommends$missing"
    exit 0
fi

install() {
    # shellcheck disable=SC2086 # one word per package, and an empty $as_root must vanish
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
}

echo "Installing for the $purpose:$missing"
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
# The lists of packages are fetched only where the install fails without them: a fresh or an old machine.
if ! install >"$log" 2>&1; then
    { $as_root apt-get update -qq && install; } >"$log" 2>&1 || {
        tail -n 5 "$log"
        echo "apt-get could not install:$missing"
        echo "Skipped ($purpose):$skipped"
        exit 0
    }
fi
look
if [ -n "$missing" ]; then
    echo "Installed, but still not found:$missing"
    echo "Skipped ($purpose):$skipped"
fi
exit 0
