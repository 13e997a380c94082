//! The small text files in which Linux describes a machine: those of this machine, or those of a
//! board that is reached through a shell.

use crate::reason::Reason;
use crate::shell::Shell;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use std::{fs, thread};

/// Number of times that an empty file is read again.
const EMPTY_RETRIES: usize = 20;

/// Read access to the files of a board.
#[derive(Debug)]
pub(crate) enum BoardFiles {
    /// The board is this machine.
    Local,
    /// The board is another machine.
    Remote(Shell),
}

impl BoardFiles {
    /// Returns a file's content.
    ///
    /// # Errors
    /// Returns the file, and why it cannot be read.
    pub(crate) fn read(&self, file: &Path) -> Result<String, Reason> {
        match self {
            BoardFiles::Local => read_local(file),
            BoardFiles::Remote(shell) => shell
                .run(&format!("cat {}", quoted(file)))
                .map_err(|reason| at(file, reason.as_str())),
        }
    }

    /// Returns the numbers in files, one in each, read at nearly the same time.
    ///
    /// # Errors
    /// Returns the first file that cannot be read or holds no number, and why.
    pub(crate) fn numbers<T: FromStr>(&self, files: &[PathBuf]) -> Result<Vec<T>, Reason> {
        let texts: Vec<String> = match self {
            BoardFiles::Local => {
                files.iter().map(|file| read_local(file)).collect::<Result<_, _>>()?
            }
            BoardFiles::Remote(shell) => first_lines(shell, files)?,
        };
        if texts.len() != files.len() {
            return Err(format!("{} numbers came for {} files", texts.len(), files.len()).into());
        }
        let number = |(file, text): (&PathBuf, &String)| {
            text.trim()
                .parse()
                .map_err(|_| at(file, &format!("it holds {:?}, not a number", text.trim())))
        };
        files.iter().zip(&texts).map(number).collect()
    }

    /// Returns the names in a folder, sorted; none if the folder does not exist.
    ///
    /// # Errors
    /// Returns the folder, and why it cannot be read.
    pub(crate) fn names(&self, folder: &Path) -> Result<Vec<String>, Reason> {
        let names = match self {
            BoardFiles::Local => local_names(folder),
            BoardFiles::Remote(shell) => shell
                .run(&format!("ls {}", quoted(folder)))
                .map(|printed| printed.lines().map(str::to_string).collect())
                .map_err(|reason| at(folder, reason.as_str())),
        };
        let mut names: Vec<String> =
            names.or_else(|reason| if is_missing(&reason) { Ok(vec![]) } else { Err(reason) })?;
        names.sort();
        Ok(names)
    }

    /// Returns the last name of the path to which a symbolic link leads; `None` if it is no link.
    pub(crate) fn link(&self, link: &Path) -> Option<String> {
        let path = match self {
            BoardFiles::Local => fs::read_link(link).ok()?,
            BoardFiles::Remote(shell) => {
                PathBuf::from(shell.run(&format!("readlink {}", quoted(link))).ok()?.trim())
            }
        };
        path.file_name().map(|name| name.to_string_lossy().into_owned())
    }
}

/// Returns whether something cannot be read because it does not exist.
pub(crate) fn is_missing(reason: &Reason) -> bool {
    reason.as_str().contains("No such file")
}

/// Adds a remedy to the reason why a file of sysfs cannot be read although sysfs lists its name.
pub(crate) fn with_sysfs_hint(reason: &Reason) -> Reason {
    let hint = if is_missing(reason) {
        "the links of sysfs lead nowhere, as in a container that hides their targets: measure \
         outside of it, or mount /sys/devices there"
    } else if reason.as_str().to_lowercase().contains("permission denied") {
        "this user may not read it: measure as root, or grant access"
    } else {
        "sysfs does not show it"
    };
    format!("{reason}: {hint}").into()
}

fn at(file: &Path, why: &str) -> Reason {
    format!("{}: {why}", file.display()).into()
}

fn read_local(file: &Path) -> Result<String, Reason> {
    let read = || fs::read_to_string(file).map_err(|error| at(file, &error.to_string()));
    let mut text = read()?;
    // A file of sysfs is never empty, but one of a substitute folder may be for a moment, while it
    // is written.
    for _ in 0..EMPTY_RETRIES {
        if !text.is_empty() {
            break;
        }
        thread::sleep(Duration::from_micros(50));
        text = read()?;
    }
    Ok(text)
}

fn local_names(folder: &Path) -> Result<Vec<String>, Reason> {
    let entries = fs::read_dir(folder).map_err(|error| at(folder, &error.to_string()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Reads the first lines of a board's files by one script. `read` is built into the shell, so that
/// no program is started on the board while it is measured.
fn first_lines(shell: &Shell, files: &[PathBuf]) -> Result<Vec<String>, Reason> {
    let read = |file: &PathBuf| {
        let file = quoted(file);
        format!("v=; {{ read -r v <{file} || [ -n \"$v\" ]; }} && echo \"$v\"")
    };
    let script = files.iter().map(read).collect::<Vec<_>>().join(" && ");
    let printed = shell.run(&script).map_err(|reason| {
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        Reason::from(format!("{}: {reason}", names.join(", ")))
    })?;
    Ok(printed.lines().map(str::to_string).collect())
}

/// Returns the path as one word of a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// The same files, read directly and through a shell as on a board.
    fn both() -> [BoardFiles; 2] {
        [BoardFiles::Local, BoardFiles::Remote(Shell::start(Command::new("sh")).unwrap())]
    }

    #[test]
    fn files_are_read_locally_and_through_a_shell() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a 'b'"), "two\nlines").unwrap();
        std::os::unix::fs::symlink("../devices/1-0040", path("link")).unwrap();
        fs::write(path("n"), "-5\n").unwrap();
        fs::write(path("m"), "18446744073\n").unwrap();
        for files in both() {
            assert_eq!(files.read(&path("a 'b'")), Ok("two\nlines".to_string()));
            assert_eq!(files.numbers(&[path("n"), path("m")]), Ok(vec![-5, 18_446_744_073_i64]));
            assert_eq!(files.names(dir.path()).unwrap(), ["a 'b'", "link", "m", "n"]);
            assert_eq!(files.names(&path("none")), Ok(vec![]));
            assert_eq!(files.link(&path("link")), Some("1-0040".to_string()));
            assert_eq!(files.link(&path("n")), None);
        }
    }

    #[test]
    fn words_of_the_shell_itself_are_skipped() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("n"), "7\n").unwrap();
        let mut greets = Command::new("sh");
        greets.env("LC_ALL", "de_DE.UTF-8");
        greets.args(["-c", "echo Welcome; echo '@neuropower 0'; printf '3 updates: '; exec sh"]);
        let files = BoardFiles::Remote(Shell::start(greets).unwrap());
        assert_eq!(files.names(dir.path()).unwrap(), ["n"]);
        assert_eq!(files.numbers(&[dir.path().join("n")]), Ok(vec![7]));
    }

    #[test]
    fn errors_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("word"), "warm\n").unwrap();
        for files in both() {
            let error = files.read(&path("none")).unwrap_err().to_string();
            assert!(error.contains("none: ") && error.contains("No such file"), "{error}");
            assert!(
                files
                    .numbers::<i64>(&[path("word"), path("none")])
                    .unwrap_err()
                    .to_string()
                    .contains("none")
            );
            assert!(
                files
                    .names(&path("word/within"))
                    .unwrap_err()
                    .to_string()
                    .contains("word/within: ")
            );
            let error = files.numbers::<i64>(&[path("word")]).unwrap_err().to_string();
            assert!(error.ends_with("word: it holds \"warm\", not a number"), "{error}");
        }
    }

    #[test]
    fn a_lost_board_is_an_error() {
        let gone = BoardFiles::Remote(Shell::start(Command::new("true")).unwrap());
        let error = gone.read(Path::new("/proc/version")).unwrap_err().to_string();
        assert!(
            error.contains("the board is gone") || error.contains("does not answer"),
            "{error}"
        );
    }
}
