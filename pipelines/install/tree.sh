# Puts all that is installed together in the new folder $1, from the programs in $2 and the help files
# in $3. Paths in it are relative to each other, so it works wherever it is put.
set -eu
tree=$1 programs=$2 help=$3
share=$tree/share/neuropower
stages='explore train prune codegen measure report fetch-data'
recipes='datasets profiles boards genomes baselines'

rm -rf "$tree"
mkdir -p "$tree/bin" "$tree/libexec/neuropower" "$share/pipelines"
cp -R "$help/." "$tree/share"
cp "$programs/neuropower" "$tree/bin"
for stage in $stages; do
  cp "$programs/$stage" "$tree/libexec/neuropower"
done
! command -v strip >/dev/null || strip "$tree/bin"/* "$tree/libexec/neuropower"/*
# Make finds all programs in one folder.
ln -s ../../bin/neuropower "$tree/libexec/neuropower/neuropower"
cp Makefile LICENSE-MIT LICENSE-APACHE "$share"
for file in pipelines/*.mk pipelines/*.awk pipelines/*.sh; do
  case $file in
    pipelines/install.mk | pipelines/develop.mk) ;;
    *) cp "$file" "$share/pipelines" ;;
  esac
done
for folder in $recipes; do
  cp -R "pipelines/$folder" "$share/pipelines"
done
find "$tree" -type d -exec chmod 755 {} +
find "$tree" -type f -exec chmod 644 {} +
chmod 755 "$tree/bin"/* "$tree/libexec/neuropower"/*
