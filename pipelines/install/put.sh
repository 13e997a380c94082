# Installs the files of the folder $1 into the folder $2. Each appears whole or not at all. A list of
# them, and of the folders that were made for them, is kept for remove.sh.
set -eu
tree=$1 to=$2
list=$to/share/neuropower/installed

fail() {
  echo "install: $1" >&2
  exit 1
}

files=$(cd "$tree" && find . ! -type d | sed 's:^[.]/::' | LC_ALL=C sort)
folders=$(cd "$tree" && find . -type d | sed 's:^[.]/::; s:$:/:' | LC_ALL=C sort)
before=
[ ! -f "$list" ] || before=$(cat "$list")
was_installed() {
  printf '%s\n' "$before" | grep -qxF -e "$1"
}

# Checks all before anything is changed.
for file in $files; do
  [ ! -d "$to/$file" ] || fail "$to/$file is a folder: remove it, or choose another PREFIX"
  [ ! -e "$to/$file" ] && [ ! -L "$to/$file" ] || was_installed "$file" ||
    fail "$to/$file was not installed by this project: remove it, or choose another PREFIX"
done
made=
for folder in $folders; do
  [ -d "$to/$folder" ] && ! was_installed "$folder" || made="$made $folder"
done
for folder in $folders; do
  mkdir -p "$to/$folder" || fail "cannot make $to/$folder: choose another PREFIX, or become its owner"
done

# Writes the list; until the end it has the files of an earlier version too.
write_list() {
  printf '%s\n' "$@" | sed '/^$/d' | LC_ALL=C sort -u >"$list.new-$$" && mv -f "$list.new-$$" "$list" ||
    fail "cannot write $list: choose another PREFIX, or become its owner"
}
write_list $files $made $before
for file in $files; do
  new=$to/${file%/*}/.new-$$
  cp -P "$tree/$file" "$new" && mv -f "$new" "$to/$file" || {
    rm -f "$new"
    fail "cannot write $to/$file: is there space?"
  }
done
# What only an earlier version had; folders come after those in them.
for old in $(printf '%s\n' $before | LC_ALL=C sort -r); do
  [ ! -e "$tree/$old" ] && [ ! -L "$tree/$old" ] || continue
  case $old in
    */) rmdir "$to/$old" 2>/dev/null || : ;;
    *) rm -f "$to/$old" ;;
  esac
done
write_list $files $made
echo "installed below $to"
