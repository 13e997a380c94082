//! A batch: commands in a folder, as the tasks of a cluster find and run them.
//!
//! `task-N` has the commands of a task as a shell's words, so no path is ever part of a script.
//! `run.sh` runs a task once, whoever asks for it how often: the first one makes `claimed-N`. Each
//! command leaves `ended-N`, renamed into the folder when it is whole, with its exit code and node.
//! `array-MARK` is there before an array is asked for.

use super::job::{End, Job};
use super::shell::quoted;
use anyhow::{Context, Result};
use common::files::atomic;
use std::ffi::OsStr;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The script of a batch, after the lines with its folder and environment. Runs task `$1`.
const SCRIPT: &str = r#"mkdir "claimed-$1" || exit 0
run() {
    number=$1 log=$2
    shift 2
    code=0
    "$@" </dev/null >/dev/null 2>"$log" || code=$?
    echo "$code $(uname -n)" >".partial-$number"
    mv ".partial-$number" "ended-$number"
}
. "./task-$1"
"#;

/// Commands in a folder.
#[derive(Debug)]
pub(super) struct Batch {
    /// Absolute path of the folder.
    pub(super) folder: PathBuf,
    /// Name of the folder, with which the marks of its arrays begin.
    pub(super) mark: String,
    /// Keys of the commands, by number; `None` once a command has ended.
    keys: Vec<Option<usize>>,
    /// Number of commands that a task runs one after the other.
    per_task: usize,
}

impl Batch {
    /// Writes the folder `mark` in a parent folder, whose path is absolute. Each command has the
    /// environment variables.
    ///
    /// # Errors
    /// Fails if a file cannot be written.
    pub(super) fn create(
        parent: &Path,
        mark: String,
        jobs: &[(usize, Job)],
        per_task: usize,
        environment: &[(String, String)],
    ) -> Result<Batch> {
        let folder = parent.join(&mark);
        atomic::create_dir_all(&folder)?;
        let mut script = b"cd ".to_vec();
        script.extend(quoted(folder.as_os_str()));
        script.extend_from_slice(b" || exit 1\n");
        for (name, value) in environment {
            script.extend_from_slice(format!("export {name}=").as_bytes());
            script.extend(quoted(OsStr::new(value)));
            script.push(b'\n');
        }
        script.extend_from_slice(SCRIPT.as_bytes());
        write(&folder.join("run.sh"), &script)?;
        for (task, jobs_of_task) in jobs.chunks(per_task).enumerate() {
            let mut lines = Vec::new();
            for (position, (_, job)) in jobs_of_task.iter().enumerate() {
                lines.extend_from_slice(format!("run {}", task * per_task + position).as_bytes());
                for word in
                    [job.log.as_os_str()].into_iter().chain(job.command.iter().map(|w| &**w))
                {
                    lines.push(b' ');
                    lines.extend(quoted(word));
                }
                lines.push(b'\n');
            }
            write(&folder.join(format!("task-{task}")), &lines)?;
        }
        let keys = jobs.iter().map(|(key, _)| Some(*key)).collect();
        Ok(Batch { folder, mark, keys, per_task })
    }

    /// Returns the number of tasks.
    pub(super) fn tasks(&self) -> usize {
        self.keys.len().div_ceil(self.per_task)
    }

    /// Returns whether all commands have ended.
    pub(super) fn has_ended(&self) -> bool {
        self.keys.iter().all(Option::is_none)
    }

    /// Returns whether a task has commands that have not ended.
    pub(super) fn lacks(&self, task: usize) -> bool {
        self.commands(task).any(|number| self.keys[number].is_some())
    }

    fn commands(&self, task: usize) -> Range<usize> {
        task * self.per_task..((task + 1) * self.per_task).min(self.keys.len())
    }

    /// Notes the mark of an array before the array is asked for.
    ///
    /// # Errors
    /// Fails if the file cannot be written.
    pub(super) fn note(&self, mark: &str) -> Result<()> {
        atomic::write(&self.folder.join(format!("array-{mark}")), b"")
    }

    /// Returns the keys and ends of commands that have ended since the last call. Listing the folder
    /// makes a client of a shared folder look for new files.
    ///
    /// # Errors
    /// Fails if the folder cannot be read.
    pub(super) fn take_ended(&mut self) -> Result<Vec<(usize, End)>> {
        let mut ended = Vec::new();
        for name in names(&self.folder)? {
            let number =
                name.strip_prefix("ended-").and_then(|number| number.parse::<usize>().ok());
            let Some(number) = number else { continue };
            if self.keys.get(number).copied().flatten().is_none() {
                continue;
            }
            // A file whose content is not there yet is read again later.
            let Some(code) = code_in(&self.folder.join(&name)) else { continue };
            ended.extend(self.keys[number].take().map(|key| (key, End::of_shell(code))));
        }
        Ok(ended)
    }

    /// Takes the keys of a task's commands that have not ended.
    pub(super) fn take_lost(&mut self, task: usize) -> Vec<usize> {
        self.commands(task).filter_map(|number| self.keys[number].take()).collect()
    }

    /// Returns whether a task of a range has begun.
    pub(super) fn has_begun(&self, tasks: Range<usize>) -> bool {
        tasks.into_iter().any(|task| self.folder.join(format!("claimed-{task}")).exists())
    }
}

/// Returns the marks of the arrays that were asked for from a batch's folder.
///
/// # Errors
/// Fails if the folder cannot be read.
pub(super) fn marks(folder: &Path) -> Result<Vec<String>> {
    let names = names(folder)?;
    Ok(names.iter().filter_map(|name| name.strip_prefix("array-")).map(String::from).collect())
}

/// Returns the names in a folder, without those that no batch has.
fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = || format!("{}: cannot read the folder", folder.display());
    let entries = fs::read_dir(folder).with_context(failed)?;
    let names = entries.map(|entry| Ok(entry.with_context(failed)?.file_name().into_string().ok()));
    names.filter_map(Result::transpose).collect()
}

/// Returns the exit code in a file `ended-N`.
fn code_in(path: &Path) -> Option<i32> {
    let text = fs::read_to_string(path).ok()?;
    text.strip_suffix('\n')?.split(' ').next()?.parse().ok()
}

/// Writes a file of a folder that no other program knows yet, and that nobody needs after a power
/// cut.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("{}: cannot write the file", path.display()))
}
