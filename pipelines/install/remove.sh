# Removes what put.sh has installed into the folder $1, and nothing else: the files of its list, and
# folders that it made if nothing else is in them.
set -eu
to=$1
list=$to/share/neuropower/installed

[ -f "$list" ] || {
  echo "uninstall: nothing is installed below $to: there is no $list; name the PREFIX of make install" >&2
  exit 1
}
! grep -q '^/\|^[.][.]/\|/[.][.]/' "$list" || {
  echo "uninstall: $list has paths that lead out of $to; nothing was removed" >&2
  exit 1
}
names=$(LC_ALL=C sort -r "$list")
for file in $names; do
  case $file in
    */) ;;
    *) rm -f "$to/$file" ;;
  esac
done
rm -f "$list"
# Folders come after those in them.
for folder in $names; do
  case $folder in
    ./) rmdir "$to" 2>/dev/null || : ;;
    */) rmdir "$to/$folder" 2>/dev/null || : ;;
  esac
done
echo "removed what was installed below $to"
