//! Runs commands on a cluster: batches from their submission to the last file.

use super::batch::{self, Batch};
use super::job::{End, Job};
use super::pace::Pace;
use super::scheduler::{Answer, Array, Queue, Scheduler};
use crate::interrupt::Interrupt;
use crate::logged::log_end;
use anyhow::{Context, Result};
use common::diagnostics;
use common::files::{atomic, hash};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Interval between questions whether the tasks of an earlier run have ended.
const LEFTOVER_POLL: Duration = Duration::from_millis(500);

/// What all batches of a run have in common.
#[derive(Clone, Debug)]
pub struct Common {
    /// Folder of the batches, which all machines see under this absolute path.
    pub folder: PathBuf,
    /// Time for which the files of a task that has left the queue are waited for.
    pub file_wait: Duration,
    /// Environment variables of all commands.
    pub environment: Vec<(String, String)>,
}

/// Commands that run on a cluster. All are ended when this is dropped.
#[derive(Debug)]
pub struct Cluster<S: Scheduler> {
    scheduler: S,
    common: Common,
    batches: Vec<Submitted>,
    /// Number of batches so far.
    count: usize,
    files: Pace,
    queue: Pace,
    /// What was last said about the queue.
    said: String,
}

/// A batch with its arrays.
#[derive(Debug)]
struct Submitted {
    batch: Batch,
    /// Tasks from here on were not asked for, or not accepted.
    next: usize,
    arrays: Vec<Asked>,
    /// Since when tasks that have not ended are in no queue.
    missing: BTreeMap<usize, Instant>,
}

/// An array that was asked for.
#[derive(Debug)]
struct Asked {
    mark: String,
    tasks: Range<usize>,
    /// Whether it is not known if the scheduler has accepted it.
    is_unanswered: bool,
}

impl<S: Scheduler> Cluster<S> {
    /// Begins a run. Tasks that an earlier run has left in the same folder are ended first, and
    /// their folders are removed.
    ///
    /// # Errors
    /// Fails if there are such tasks and the scheduler does not answer, if a folder cannot be
    /// removed, or if a termination signal is received.
    pub fn begin(mut scheduler: S, common: Common, interrupt: &Interrupt) -> Result<Cluster<S>> {
        atomic::create_dir_all(&common.folder)?;
        end_leftovers(&mut scheduler, &common.folder, interrupt).with_context(|| {
            format!("{}: tasks of an earlier run may still run", common.folder.display())
        })?;
        let (files, queue) = (Pace::of_files(), Pace::of_queue());
        let said = String::new();
        Ok(Cluster { scheduler, common, batches: vec![], count: 0, files, queue, said })
    }

    /// Submits commands under keys of the caller, `per_task` of them for each task.
    ///
    /// # Errors
    /// Fails if their files cannot be written, or if the scheduler refuses the tasks.
    pub fn submit(&mut self, jobs: &[(usize, Job)], per_task: usize) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        let Common { folder, environment, .. } = &self.common;
        let mark = new_mark(folder, self.count);
        self.count += 1;
        let batch = Batch::create(folder, mark, jobs, per_task, environment)?;
        self.batches.push(Submitted { batch, next: 0, arrays: vec![], missing: BTreeMap::new() });
        self.ask_for_tasks()
    }

    /// Returns whether no command is left.
    pub fn is_idle(&self) -> bool {
        self.batches.is_empty()
    }

    /// Returns the keys and ends of commands that have ended since the last call. Looks at the folder
    /// and the queue as often as is sensible, however often it is called.
    ///
    /// # Errors
    /// Fails if a folder cannot be read, or if the scheduler refuses tasks that wait for room.
    pub fn poll(&mut self) -> Result<Vec<(usize, End)>> {
        // The queue first: a task that ends in between is seen in the folder.
        let queue = if self.queue.is_due() { self.ask() } else { None };
        if queue.is_none() && !self.files.is_due() {
            return Ok(vec![]);
        }
        let mut ended = Vec::new();
        for Submitted { batch, .. } in &mut self.batches {
            ended.extend(batch.take_ended()?);
        }
        if let Some(queue) = queue {
            for submitted in &mut self.batches {
                submitted.settle_unanswered(&queue);
                ended.extend(submitted.take_lost(&queue, self.common.file_wait));
            }
            self.ask_for_tasks()?;
        }
        let (finished, left) = self.batches.drain(..).partition(|s| s.batch.has_ended());
        self.batches = left;
        finished.iter().try_for_each(Submitted::finish)?;
        Ok(ended)
    }

    /// Asks the scheduler for its queue; `None` if it does not answer.
    fn ask(&mut self) -> Option<Queue> {
        let marks = self.marks();
        match self.scheduler.poll(&marks) {
            Ok(queue) => {
                let waits = queue.arrays.values().filter_map(|array| array.waits_for.as_deref());
                let waits = waits.map(|reason| format!("tasks wait: {reason}"));
                self.say(waits.max().unwrap_or_default());
                Some(queue)
            }
            Err(error) => {
                self.say(format!("{error:#}; its tasks are waited for"));
                None
            }
        }
    }

    fn marks(&self) -> Vec<String> {
        let arrays = self.batches.iter().flat_map(|submitted| &submitted.arrays);
        arrays.map(|asked| asked.mark.clone()).collect()
    }

    /// Says a sentence about the queue unless it was the last one.
    fn say(&mut self, sentence: String) {
        if !sentence.is_empty() && sentence != self.said {
            diagnostics::say(&format!("cluster: {sentence}"));
        }
        self.said = sentence;
    }

    /// Asks for tasks that were not accepted yet, until the scheduler has no room.
    fn ask_for_tasks(&mut self) -> Result<()> {
        for index in 0..self.batches.len() {
            loop {
                let submitted = &mut self.batches[index];
                let Submitted { batch, next, arrays, .. } = submitted;
                let tasks = *next..batch.tasks();
                if tasks.is_empty() || arrays.iter().any(|asked| asked.is_unanswered) {
                    break;
                }
                // Never that of an array that was not answered.
                let mark = format!("{}-{}", batch.mark, arrays.len());
                batch.note(&mark)?;
                let array = Array { mark: &mark, folder: &batch.folder, tasks: tasks.clone() };
                let answer = self.scheduler.submit(&array)?;
                let (count, is_unanswered, sentence) = match answer {
                    Answer::Accepted { job, tasks } => {
                        (tasks, false, format!("job {job} with {tasks} task(s)"))
                    }
                    Answer::Unanswered { tasks, reason } => (tasks, true, reason),
                    Answer::Full(reason) => {
                        self.say(format!("there is no room for more tasks: {reason}"));
                        return Ok(());
                    }
                };
                let tasks = tasks.start..tasks.start + count;
                *next = tasks.end;
                arrays.push(Asked { mark, tasks, is_unanswered });
                self.queue.restart();
                self.say(sentence);
            }
        }
        Ok(())
    }
}

impl Submitted {
    /// Finds out whether arrays were accepted that the scheduler has not answered for. Tasks of one
    /// that is not there are asked for again; should it appear later after all, it still counts.
    fn settle_unanswered(&mut self, queue: &Queue) {
        for asked in self.arrays.iter_mut().filter(|asked| asked.is_unanswered) {
            asked.is_unanswered = false;
            let is_there =
                queue.arrays.contains_key(&asked.mark) || self.batch.has_begun(asked.tasks.clone());
            if !is_there {
                self.next = asked.tasks.start;
            }
        }
    }

    /// Returns the ends of commands whose task is in no queue and whose files have not come for a
    /// while.
    fn take_lost(&mut self, queue: &Queue, file_wait: Duration) -> Vec<(usize, End)> {
        let mut lost = Vec::new();
        for task in (0..self.next).filter(|task| self.batch.lacks(*task)).collect::<Vec<_>>() {
            if self.is_live(task, queue) {
                self.missing.remove(&task);
            } else if self.missing.entry(task).or_insert_with(Instant::now).elapsed() >= file_wait {
                let end = End::Lost(self.last_seen(task, queue));
                lost.extend(self.batch.take_lost(task).into_iter().map(|key| (key, end.clone())));
            }
        }
        lost
    }

    fn is_live(&self, task: usize, queue: &Queue) -> bool {
        self.asked_for(task).any(|asked| {
            let array = queue.arrays.get(&asked.mark);
            array.is_some_and(|array| array.is_live(task - asked.tasks.start))
        })
    }

    fn asked_for(&self, task: usize) -> impl DoubleEndedIterator<Item = &Asked> {
        self.arrays.iter().filter(move |asked| asked.tasks.contains(&task))
    }

    /// Returns what is known of a task that has vanished.
    fn last_seen(&self, task: usize, queue: &Queue) -> String {
        let Some(asked) = self.asked_for(task).next_back() else { return String::new() };
        let position = task - asked.tasks.start;
        let array = queue.arrays.get(&asked.mark);
        let job = array.map_or("its job", |array| &array.job);
        let state = array.and_then(|array| array.ended.get(&position));
        let state = state.map_or("is not in the queue any more", |state| state);
        let log = self.batch.folder.join(format!("log-{}-{position}", asked.mark));
        format!("task {position} of {job} {state}, and left no result: {}", log_end(&log))
    }

    /// Removes the folder of a batch whose commands have all ended.
    fn finish(&self) -> Result<()> {
        atomic::remove_dir_all(&self.batch.folder)
    }
}

impl<S: Scheduler> Drop for Cluster<S> {
    fn drop(&mut self) {
        let marks = self.marks();
        if marks.is_empty() {
            return;
        }
        if let Err(error) = self.scheduler.cancel(&marks) {
            diagnostics::warn(&format!(
                "tasks may still run on the cluster ({error:#}); the next run in {} ends them",
                self.common.folder.display()
            ));
        }
    }
}

/// Ends the tasks that an earlier run has left, waits until they are gone, and removes their
/// folders.
fn end_leftovers<S: Scheduler>(
    scheduler: &mut S,
    folder: &Path,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            left.push(path);
        }
    }
    let marks: Vec<Vec<String>> =
        left.iter().map(|path| batch::marks(path)).collect::<Result<_>>()?;
    let marks = marks.concat();
    let is_live = |queue: &Queue| queue.arrays.values().any(|array| !array.live.is_empty());
    if !marks.is_empty() && is_live(&scheduler.poll(&marks)?) {
        diagnostics::say("cluster: tasks of an earlier run are ended");
        scheduler.cancel(&marks)?;
        while is_live(&scheduler.poll(&marks)?) {
            interrupt.sleep(LEFTOVER_POLL)?;
        }
    }
    left.iter().try_for_each(|path| atomic::remove_dir_all(path))
}

/// Returns a mark that no other batch has: of another run, folder or machine.
fn new_mark(folder: &Path, number: usize) -> String {
    let time = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let text = format!("{} {} {}", folder.display(), std::process::id(), time.as_nanos());
    format!("neuropower-{}-{number}", &hash::sha256_hex(text.as_bytes())[..12])
}

#[cfg(test)]
mod tests;
