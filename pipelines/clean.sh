# Removes the folders `target` of the crates in the run $1, and its log; or, with $3, all of the run.
# $2 is make's lock of the run. No symbolic link is followed.
set -eu
run=$1 lock=$2 all=${3:-}

refuse() {
  echo "clean: $run $1; nothing was removed" >&2
  exit 1
}

# Takes the lock $2 with the file descriptor $1, where the machine has the program.
take() {
  eval "exec $1>>\"\$2\""
  ! command -v flock >/dev/null || flock --nonblock "$1" || refuse "is worked in: wait for that"
}

[ ! -L "$run" ] || refuse "is a symbolic link: name the folder itself"
[ -d "$run" ] || refuse "does not exist"
[ -f "$run/profile.json" ] && [ ! -L "$run/profile.json" ] &&
  grep -q '"schema"[[:space:]]*:[[:space:]]*"neuropower/profile/' "$run/profile.json" ||
  refuse "is not a run: it has no profile.json of the pipeline"
case $(pwd -P)/ in
  "$(cd "$run" && pwd -P)"/*) refuse "contains the folder that make works in" ;;
esac
take 8 "$lock"
[ ! -f "$run/explore/.lock" ] || take 9 "$run/explore/.lock"

# Prints the size of the folder $1 in megabytes, rounded up, and removes it.
remove() {
  echo "removing $1: $(du -sk "$1" | awk '{ printf "%d MB", ($1 + 1023) / 1024; exit }')"
  rm -rf "$1"
}

if [ -n "$all" ]; then
  remove "$run"
  rm -f "${lock%.lock}".*.mk
  exit
fi
[ ! -d "$run/log" ] || [ -L "$run/log" ] || remove "$run/log"
# `find` enters no links, so the folders that it finds lie in the run.
find "$run" -type d -name 'crate-*' -prune | while IFS= read -r crate; do
  [ ! -d "$crate/target" ] || [ -L "$crate/target" ] || remove "$crate/target"
done
