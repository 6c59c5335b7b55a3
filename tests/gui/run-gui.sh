#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# run-gui.sh COMMAND...: COMMAND on an X server and a session bus of its own, with
# a window manager, a compositor and a fixed look. GEOMETRY: of the screen.
# Exits with 77 (skipped) if what it needs is not installed.

set -eu

for program in xvfb-run xauth dbus-run-session openbox xcompmgr; do
  if ! command -v "$program" >/dev/null; then
    echo "1..0 # SKIP $program is not installed (scripts/setup gui)"
    exit 77
  fi
done

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
mkdir -p "$home/config/gtk-4.0" "$home/run"
chmod 700 "$home/run"
cat >"$home/config/gtk-4.0/settings.ini" <<'TEXT'
[Settings]
gtk-font-name=Cantarell 11
gtk-icon-theme-name=Adwaita
gtk-enable-animations=false
gtk-cursor-blink=false
TEXT

export HOME=$home XDG_CONFIG_HOME=$home/config XDG_DATA_HOME=$home/data XDG_CACHE_HOME=$home/cache
export XDG_RUNTIME_DIR=$home/run GSETTINGS_BACKEND=memory
export GDK_BACKEND=x11 GSK_RENDERER=cairo ADW_DISABLE_PORTAL=1 GTK_USE_PORTAL=0 NO_AT_BRIDGE=0
unset WAYLAND_DISPLAY DISPLAY

# What services of the bus say on starting is not the command's output.
exec 9>&1
# shellcheck disable=SC2016
xvfb-run -a -s "-screen 0 ${GEOMETRY:-1280x900}x24 -nolisten tcp" dbus-run-session -- bash -c '
  openbox >/dev/null 2>&1 &
  manager=$!
  xcompmgr >/dev/null 2>&1 &
  compositor=$!
  "$@" >&9 && status=0 || status=$?
  kill "$compositor" "$manager"
  exit "$status"' run-gui "$@" >&2
