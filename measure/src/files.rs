//! The small text files in which Linux tells about a machine: this one's, or those of a board
//! behind a shell.

use crate::process::{Process, Waited};
use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

/// How often an empty file is read again.
const EMPTY_RETRIES: usize = 20;
/// A board that has not answered for this long is gone.
const ANSWER: Duration = Duration::from_secs(20);

/// The line that a script on a board prints first: what comes before it are words of the board's
/// shell, such as a greeting.
pub(crate) const MARK: &str = "@neuropower begins";

/// Whether a line ends what a shell says before a script. Its last words may have no line of their
/// own.
pub(crate) fn is_mark(line: &str) -> bool {
    line.trim_end().ends_with(MARK)
}

/// Whose files.
#[derive(Debug)]
pub(crate) enum Files {
    /// This machine's.
    Here,
    /// A board's.
    There(Shell),
}

impl Files {
    /// What a file holds.
    ///
    /// # Errors
    /// The file, and why it cannot be read.
    pub(crate) fn read(&self, file: &Path) -> Result<String, String> {
        match self {
            Files::Here => read_here(file),
            Files::There(shell) => {
                shell.ask(&format!("cat {}", quoted(file))).map_err(|why| of(file, &why))
            }
        }
    }

    /// The numbers that files hold, read as close together as can be.
    ///
    /// # Errors
    /// The first file that cannot be read or holds no number, and why.
    pub(crate) fn numbers<T: FromStr>(&self, files: &[PathBuf]) -> Result<Vec<T>, String> {
        let texts: Vec<String> = match self {
            Files::Here => files.iter().map(|file| read_here(file)).collect::<Result<_, _>>()?,
            Files::There(shell) => {
                // `read` is the shell's own: it starts no program beside what is measured.
                let read = |file: &PathBuf| {
                    let file = quoted(file);
                    format!("v=; {{ read -r v <{file} || [ -n \"$v\" ]; }} && echo \"$v\"")
                };
                let all = files.iter().map(read).collect::<Vec<_>>().join(" && ");
                let names = || {
                    files
                        .iter()
                        .map(|file| file.display().to_string())
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let said = shell.ask(&all).map_err(|why| format!("{}: {why}", names()))?;
                said.lines().map(str::to_string).collect()
            }
        };
        if texts.len() != files.len() {
            return Err(format!("{} numbers came for {} files", texts.len(), files.len()));
        }
        let number = |(file, text): (&PathBuf, &String)| {
            text.trim()
                .parse()
                .map_err(|_| of(file, &format!("it holds {:?}, not a number", text.trim())))
        };
        files.iter().zip(&texts).map(number).collect()
    }

    /// The names in a folder, sorted; none where there is no folder.
    ///
    /// # Errors
    /// The folder, and why it cannot be read.
    pub(crate) fn names(&self, folder: &Path) -> Result<Vec<String>, String> {
        let names = match self {
            Files::Here => {
                fs::read_dir(folder).map_err(|error| of(folder, &error.to_string())).map(|read| {
                    read.flatten()
                        .map(|entry| entry.file_name().to_string_lossy().into_owned())
                        .collect::<Vec<_>>()
                })
            }
            Files::There(shell) => {
                let said =
                    shell.ask(&format!("ls {}", quoted(folder))).map_err(|why| of(folder, &why));
                said.map(|said| said.lines().map(str::to_string).collect())
            }
        };
        let mut names =
            names.or_else(|why| if is_missing(&why) { Ok(vec![]) } else { Err(why) })?;
        names.sort();
        Ok(names)
    }

    /// The last name of the path that a link leads to, if it is a link.
    pub(crate) fn link(&self, link: &Path) -> Option<String> {
        let path = match self {
            Files::Here => fs::read_link(link).ok()?,
            Files::There(shell) => {
                PathBuf::from(shell.ask(&format!("readlink {}", quoted(link))).ok()?.trim())
            }
        };
        path.file_name().map(|name| name.to_string_lossy().into_owned())
    }
}

/// Whether what an error says is that something is not there.
pub(crate) fn is_missing(why: &str) -> bool {
    why.contains("No such file")
}

/// Why a file of sysfs cannot be read whose name its class lists, and what to do about it.
pub(crate) fn hidden(why: &str) -> String {
    let hint = if is_missing(why) {
        "the links of sysfs lead nowhere, as in a container that hides what they lead to: measure outside of it, or mount \
         /sys/devices there"
    } else if why.to_lowercase().contains("permission denied") {
        "this user may not read it: measure as root, or grant access"
    } else {
        "sysfs does not show it"
    };
    format!("{why}: {hint}")
}

fn of(file: &Path, why: &str) -> String {
    format!("{}: {why}", file.display())
}

fn read_here(file: &Path) -> Result<String, String> {
    let read = || fs::read_to_string(file).map_err(|error| of(file, &error.to_string()));
    let mut text = read()?;
    // sysfs itself is never empty, but a stand-in for it that is written meanwhile may be for a
    // moment.
    for _ in 0..EMPTY_RETRIES {
        if !text.is_empty() {
            break;
        }
        thread::sleep(Duration::from_micros(50));
        text = read()?;
    }
    Ok(text)
}

/// For a POSIX shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// A shell on a board that answers questions for as long as the measurement takes.
#[derive(Debug)]
pub(crate) struct Shell(RefCell<Process>);

impl Shell {
    /// Starts the command, whose input and output are those of a shell.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(command: Command) -> anyhow::Result<Shell> {
        let mut process = Process::start(command)?;
        // Its errors are to be in words that are known. If it does not listen, the first question
        // finds that out.
        let _ = process.say("LC_ALL=C; export LC_ALL");
        Ok(Shell(RefCell::new(process)))
    }

    /// What a script prints.
    ///
    /// # Errors
    /// What it printed where it failed, or that there is no answer.
    fn ask(&self, script: &str) -> Result<String, String> {
        let mut process = self.0.borrow_mut();
        // The answer's last line alone begins with this.
        let asked =
            process.say(&format!("echo '{MARK}'; {{ {script}; }} 2>&1; echo \"@neuropower $?\""));
        asked.map_err(|error| format!("the board does not answer ({error})"))?;
        let (start, mut begun, mut said) = (Instant::now(), false, String::new());
        loop {
            let left = ANSWER.saturating_sub(start.elapsed());
            match process.wait_for_line(left).map_err(|error| format!("{error:#}"))? {
                Waited::Line(line) if !begun => begun = is_mark(&line),
                Waited::Line(line) => match line.split_once("@neuropower ") {
                    Some((rest, "0")) => return Ok(said + rest),
                    Some((rest, _)) => return Err((said + rest).trim().replace('\n', " ")),
                    None => said = said + &line + "\n",
                },
                Waited::End => {
                    return Err(format!(
                        "the board is gone ({})",
                        process.epitaph(Duration::from_secs(1))
                    ));
                }
                Waited::Nothing => {
                    return Err(format!("the board has not answered for {} s", ANSWER.as_secs()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways to the same files, the second through a shell as on a board.
    fn both() -> [Files; 2] {
        [Files::Here, Files::There(Shell::start(Command::new("sh")).unwrap())]
    }

    #[test]
    fn a_shell_gives_what_the_files_hold() {
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
    fn what_a_shell_says_of_itself_is_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("n"), "7\n").unwrap();
        let mut greets = Command::new("sh");
        greets.env("LC_ALL", "de_DE.UTF-8");
        greets.args(["-c", "echo Welcome; echo '@neuropower 0'; printf '3 updates: '; exec sh"]);
        let files = Files::There(Shell::start(greets).unwrap());
        assert_eq!(files.names(dir.path()).unwrap(), ["n"]);
        assert_eq!(files.numbers(&[dir.path().join("n")]), Ok(vec![7]));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("word"), "warm\n").unwrap();
        for files in both() {
            let error = files.read(&path("none")).unwrap_err();
            assert!(error.contains("none: ") && error.contains("No such file"), "{error}");
            assert!(
                files.numbers::<i64>(&[path("word"), path("none")]).unwrap_err().contains("none")
            );
            assert!(files.names(&path("word/within")).unwrap_err().contains("word/within: "));
            let error = files.numbers::<i64>(&[path("word")]).unwrap_err();
            assert!(error.ends_with("word: it holds \"warm\", not a number"), "{error}");
        }
    }

    #[test]
    fn a_board_that_went_away_is_an_error() {
        let gone = Files::There(Shell::start(Command::new("true")).unwrap());
        let error = gone.read(Path::new("/proc/version")).unwrap_err();
        assert!(
            error.contains("the board is gone") || error.contains("does not answer"),
            "{error}"
        );
    }
}
